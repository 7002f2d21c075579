/* What the boundary costs, ns per record, best of five interleaved rounds: bars [ROWS].
 *
 * A source of one record per call beside one of 4096; a transform of nothing, of an addition, and of
 * about 100 ns. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <trommel.h>

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
        for (int step = 0; step < j->work; step++) x = x * UINT64_C(6364136223846793005) + 1;
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

static double run(trommel_engine *engine, job j, int transforms) {
    trommel_pipeline *pipeline = NULL;
    trommel_report report = {.size = sizeof report};
    trommel_options options = {.size = sizeof options, .batch_min = 4096, .batch_max = 4096};
    trommel_source source = {.size = sizeof source, .record_size = 8, .rows = j.rows, .fill = fill, .user = &j};
    trommel_transform transform = {.size = sizeof transform, .apply = apply, .user = &j};
    trommel_sink sink = {.size = sizeof sink, .record_size = 8, .write = add, .user = &j};
    if (trommel_pipeline_new(engine, &pipeline, NULL) ||
        trommel_pipeline_options(pipeline, &options, NULL) ||
        trommel_pipeline_source(pipeline, &source, NULL) ||
        (transforms && trommel_pipeline_transform(pipeline, &transform, NULL)) ||
        trommel_pipeline_sink(pipeline, &sink, NULL) ||
        trommel_pipeline_run(pipeline, &report, NULL) || report.loaded != j.rows)
        exit(1);
    trommel_pipeline_free(pipeline);
    return (double)report.elapsed_ns / (double)j.rows;
}

int main(int argc, char **argv) {
    const uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
    const struct {
        const char *name;
        job job;
        int transforms;
    } cases[] = {
        {"4096 records per call, no transform", {.per_call = 4096}, 0},
        {"   1 record per call, no transform", {.per_call = 1}, 0},
        {"4096 per call, an addition", {.per_call = 4096, .work = 1}, 1},
        {"4096 per call, about 100 ns of work", {.per_call = 4096, .work = 80}, 1},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    double best[CASES] = {0};
    trommel_engine_options options = {.size = sizeof options, .workers = 1};
    trommel_engine *engine = NULL;
    if (trommel_engine_new(&options, &engine, NULL)) return 1;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < CASES; i++) {
            job j = cases[i].job;
            j.rows = rows;
            const double ns = run(engine, j, cases[i].transforms);
            if (round == 0 || ns < best[i]) best[i] = ns;
        }
    }
    for (int i = 0; i < CASES; i++) printf("%6.2f ns  %s\n", best[i], cases[i].name);
    trommel_engine_free(engine);
    return 0;
}
