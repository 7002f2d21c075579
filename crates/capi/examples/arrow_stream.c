/* A stream of Arrow batches -> a filter on all cores -> a stream of Arrow batches: arrow_stream. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trommel_arrow.h>

enum { BATCHES = 50, ROWS = 10000 };

/* ---- a producer, as any library with the Arrow C interface is one ---- */

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    schema->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    (void)stream;
    struct ArrowSchema *number = malloc(sizeof *number);
    struct ArrowSchema **children = malloc(sizeof *children);
    if (!number || !children) return 12;
    *number = (struct ArrowSchema){.format = "l", .name = "number", .release = release_schema};
    children[0] = number;
    *out = (struct ArrowSchema){.format = "+s", .name = "", .n_children = 1, .children = children,
                                .release = release_schema};
    return 0;
}

static void release_array(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free(array->children);
    free(array->private_data);
    free(array->buffers);
    array->release = NULL;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    int64_t *batch = stream->private_data;
    if (*batch == BATCHES) {
        *out = (struct ArrowArray){0};
        return 0;
    }
    int64_t *numbers = malloc(ROWS * sizeof *numbers);
    const void **buffers = calloc(2, sizeof *buffers), **none = calloc(1, sizeof *none);
    struct ArrowArray *column = malloc(sizeof *column), **children = malloc(sizeof *children);
    if (!numbers || !buffers || !none || !column || !children) return 12;
    for (int64_t i = 0; i < ROWS; i++) numbers[i] = *batch * ROWS + i;
    ++*batch;
    buffers[1] = numbers;
    *column = (struct ArrowArray){.length = ROWS, .n_buffers = 2, .buffers = buffers,
                                  .release = release_array, .private_data = numbers};
    children[0] = column;
    *out = (struct ArrowArray){.length = ROWS, .n_buffers = 1, .buffers = none, .n_children = 1,
                               .children = children, .release = release_array};
    return 0;
}

static const char *last_error(struct ArrowArrayStream *stream) {
    (void)stream;
    return NULL;
}

static void release_stream(struct ArrowArrayStream *stream) { stream->release = NULL; }

/* ---- the transform: three stretches of four go on ---- */

static int apply(void *user, trommel_batch *batch, trommel_call *call) {
    (void)user;
    (void)call;
    const trommel_value *value = batch->records;
    for (size_t i = 0; i < batch->count; i++) {
        if (value[i].as.integer / 100 % 4 == 3) batch->verdicts[i] = TROMMEL_FILTER;
    }
    return TROMMEL_STATUS_OK;
}

int main(void) {
    int64_t batch = 0, rows = 0, sum = 0, last = -1;
    int in_order = 1;
    struct ArrowArrayStream in = {get_schema, get_next, last_error, release_stream, &batch}, out = {0};
    trommel_transform transform = {.size = sizeof transform, .apply = apply};
    trommel_engine *engine = NULL;
    trommel_pipeline *pipeline = NULL;
    trommel_error *error = NULL;
    trommel_report report = {.size = sizeof report};
    int failed = trommel_engine_new(NULL, &engine, &error) ||
                 trommel_pipeline_new(engine, &pipeline, &error) ||
                 trommel_pipeline_from_arrow(pipeline, &in, &error) ||
                 trommel_pipeline_transform(pipeline, &transform, &error) ||
                 trommel_pipeline_stream(pipeline, &out, &error);
    if (in.release) in.release(&in);
    while (!failed) {
        struct ArrowArray array = {0};
        if (out.get_next(&out, &array) != 0) {
            fprintf(stderr, "arrow_stream: %s\n", out.get_last_error(&out));
            failed = 1;
        }
        if (failed || !array.release) break;
        const struct ArrowArray *column = array.children[0];
        const int64_t *numbers = (const int64_t *)column->buffers[1] + column->offset;
        for (int64_t i = 0; i < column->length; i++) {
            in_order &= numbers[i] > last;
            sum += last = numbers[i];
        }
        rows += array.length;
        array.release(&array);
    }
    if (out.release) out.release(&out);
    if (!failed) failed = trommel_pipeline_report(pipeline, &report);
    if (error) fprintf(stderr, "arrow_stream: %s\n", trommel_error_text(error));
    printf("%" PRIu64 " rows in, %" PRId64 " rows out, sum %" PRId64 ", %s\n", report.read, rows, sum,
           in_order ? "in order" : "OUT OF ORDER");
    trommel_error_free(error);
    trommel_pipeline_free(pipeline);
    trommel_engine_free(engine);
    return failed || !in_order || rows != BATCHES * ROWS / 4 * 3;
}
