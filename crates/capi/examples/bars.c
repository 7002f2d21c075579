/* One job over the C ABI, for bars.rs to set beside the same job in Rust: bars CASE ROWS [FILE].
 * Prints nanoseconds per row of wall time and of CPU time, and what came out.
 *
 *   4096, 1        records per call of the source, no transform
 *   add, work      a transform of one multiplication, and of about 100 ns
 *   csv            FILE into the table `flights` of FILE.c.db
 *   arrow, bare    a stream of FILE-less batches through a pipeline, and read as it is
 *   features       none: says what the library was built with */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#ifdef WITH_ARROW
#include <trommel_arrow.h>
#else
#include <trommel.h>
#endif

typedef struct job {
    uint64_t next, rows, sum;
    size_t per_call;
    int work;
} job;

static int fill(void *user, void *records, size_t room, size_t *count, trommel_call *call) {
    job *j = user;
    uint64_t *out = records;
    (void)call;
    size_t n = j->per_call < room ? j->per_call : room;
    if (j->rows - j->next < n) n = (size_t)(j->rows - j->next);
    for (size_t i = 0; i < n; i++) out[i] = j->next++;
    *count = n;
    return j->next < j->rows ? TROMMEL_STATUS_OK : TROMMEL_STATUS_END;
}

static int apply(void *user, trommel_batch *batch, trommel_call *call) {
    const job *j = user;
    uint64_t *record = batch->records;
    (void)call;
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t x = record[i];
        /* Nothing that a compiler can do several steps of at once. */
        for (int step = 0; step < j->work; step++) x = (x ^ x >> 32) * UINT64_C(6364136223846793005);
        record[i] = x;
    }
    return TROMMEL_STATUS_OK;
}

static int add(void *user, const trommel_page *page, trommel_call *call) {
    job *j = user;
    const uint64_t *record = page->records;
    (void)call;
    for (size_t i = 0; i < page->count; i++) j->sum += record[i];
    return TROMMEL_STATUS_OK;
}

static trommel_error *error;

static void must(int status) {
    if (status == TROMMEL_STATUS_OK) return;
    fprintf(stderr, "bars: %s\n", trommel_error_text(error));
    exit(1);
}

/* ---- a stream of batches that all share one column of numbers ---- */

#ifdef WITH_ARROW
enum { ROWS = 65536 };
static int64_t numbers[ROWS];
static const void *column_buffers[2] = {NULL, numbers}, *no_buffers[1] = {NULL};

static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }
static void release_array(struct ArrowArray *array) {
    free(array->private_data);
    array->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    static struct ArrowSchema number, *children[1] = {&number};
    (void)stream;
    number = (struct ArrowSchema){.format = "l", .name = "number", .release = release_schema};
    *out = (struct ArrowSchema){.format = "+s", .name = "", .n_children = 1, .children = children,
                                .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    int64_t *left = stream->private_data;
    *out = (struct ArrowArray){0};
    if (*left <= 0) return 0;
    *left -= ROWS;
    struct parts {
        struct ArrowArray column, *children[1];
    } *parts = malloc(sizeof *parts);
    if (!parts) return 12;
    parts->column = (struct ArrowArray){.length = ROWS, .n_buffers = 2, .buffers = column_buffers,
                                        .release = release_array};
    parts->children[0] = &parts->column;
    *out = (struct ArrowArray){.length = ROWS, .n_buffers = 1, .buffers = no_buffers, .n_children = 1,
                               .children = parts->children, .release = release_array, .private_data = parts};
    return 0;
}

static const char *last_error(struct ArrowArrayStream *stream) {
    (void)stream;
    return NULL;
}

static void release_stream(struct ArrowArrayStream *stream) { stream->release = NULL; }

static uint64_t pull(struct ArrowArrayStream *stream) {
    uint64_t rows = 0;
    for (;;) {
        struct ArrowArray array = {0};
        if (stream->get_next(stream, &array) != 0) exit(1);
        if (!array.release) break;
        rows += (uint64_t)array.length;
        array.release(&array);
    }
    stream->release(stream);
    return rows;
}
#endif

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const char *name = argv[1], *file = argc > 3 ? argv[3] : "";
    job j = {.rows = strtoull(argv[2], NULL, 10), .per_call = strcmp(name, "1") ? 4096 : 1};
    j.work = strcmp(name, "add") == 0 ? 1 : strcmp(name, "work") == 0 ? 60 : 0;
    trommel_engine_options one = {.size = sizeof one, .workers = 1};
    trommel_options options = {.size = sizeof options, .batch_min = 4096, .batch_max = 4096};
    trommel_source source = {.size = sizeof source, .record_size = 8, .rows = j.rows, .fill = fill, .user = &j};
    trommel_transform transform = {.size = sizeof transform, .apply = apply, .user = &j};
    trommel_sink sink = {.size = sizeof sink, .record_size = 8, .write = add, .user = &j};
    trommel_engine *engine = NULL;
    trommel_pipeline *pipeline = NULL;
    if (strcmp(name, "features") == 0) return puts(trommel_features()) < 0;
    trommel_report report = {.size = sizeof report};
    uint64_t rows = j.rows;
    must(trommel_engine_new(&one, &engine, &error));
    must(trommel_pipeline_new(engine, &pipeline, &error));
    const uint64_t wall = nanoseconds(CLOCK_MONOTONIC), cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    if (strcmp(name, "csv") == 0) {
        char to[4096];
        snprintf(to, sizeof to, "%s.c.db", file);
        options = (trommel_options){.size = sizeof options, .tier = TROMMEL_TIER_DATABASE};
        must(trommel_pipeline_from(pipeline, "csv:", &error));
        must(trommel_pipeline_set(pipeline, "source.path", file, &error));
        must(trommel_pipeline_into(pipeline, "sqlite:?table=flights&mode=replace", &error));
        must(trommel_pipeline_set(pipeline, "sink.path", to, &error));
        must(trommel_pipeline_column(pipeline, "id", NULL, "INTEGER NOT NULL", &error));
        must(trommel_pipeline_column(pipeline, "name", NULL, "TEXT NOT NULL", &error));
        must(trommel_pipeline_column(pipeline, "minutes", NULL, "INTEGER", &error));
        must(trommel_pipeline_column(pipeline, "speed", NULL, "REAL NOT NULL", &error));
        must(trommel_pipeline_options(pipeline, &options, &error));
        must(trommel_pipeline_run(pipeline, &report, &error));
        j.sum = report.loaded;
#ifdef WITH_ARROW
    } else if (strcmp(name, "arrow") == 0 || strcmp(name, "bare") == 0) {
        int64_t left = (int64_t)rows;
        struct ArrowArrayStream in = {get_schema, get_next, last_error, release_stream, &left}, out;
        if (strcmp(name, "arrow") == 0) {
            must(trommel_pipeline_from_arrow(pipeline, &in, &error));
            must(trommel_pipeline_stream(pipeline, &out, &error));
            j.sum = pull(&out);
        } else {
            j.sum = pull(&in);
        }
#endif
    } else {
        must(trommel_pipeline_options(pipeline, &options, &error));
        must(trommel_pipeline_source(pipeline, &source, &error));
        if (j.work) must(trommel_pipeline_transform(pipeline, &transform, &error));
        must(trommel_pipeline_sink(pipeline, &sink, &error));
        must(trommel_pipeline_run(pipeline, &report, &error));
    }
    const double wall_ns = (double)(nanoseconds(CLOCK_MONOTONIC) - wall);
    const double cpu_ns = (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    printf("%.4f %.4f %" PRIu64 "\n", wall_ns / (double)rows, cpu_ns / (double)rows, j.sum);
    trommel_pipeline_free(pipeline);
    trommel_engine_free(engine);
    return 0;
}
