/* Structs in memory -> a transform on all cores -> a C sink: callbacks [ROWS].
 *
 * Users of age are billed one year older; minors are filtered, and those without a name rejected. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <trommel.h>
#include <trommel_record.h>

typedef struct bill {
    uint64_t user;
    uint32_t age;
    uint32_t score;
} bill;

typedef struct users {
    uint64_t next, rows;
} users;

/* Runs on the thread that called trommel_pipeline_run. */
static int fill(void *user, void *records, size_t room, size_t *count, trommel_call *call) {
    users *source = user;
    trommel_user_record *record = records;
    (void)call;
    size_t filled = 0;
    for (; filled < room && source->next < source->rows; filled++, source->next++) {
        const uint64_t id = source->next;
        record[filled] = (trommel_user_record){.id = id, .data_hash = trommel_data_hash(id)};
        if (id % 1000 != 7) {
            record[filled].username = "ines";
            record[filled].username_length = 4;
        }
        record[filled].posts = (uint16_t)(id % 9);
        trommel_user_set_age(&record[filled], (uint32_t)(id % 100));
    }
    *count = filled;
    return source->next < source->rows ? TROMMEL_STATUS_OK : TROMMEL_STATUS_END;
}

/* Runs on the workers, on several batches at once. */
static int apply(void *user, trommel_batch *batch, trommel_call *call) {
    (void)user;
    const trommel_user_record *record = batch->records;
    bill *out = batch->output;
    for (size_t i = 0; i < batch->count; i++) {
        const uint32_t age = trommel_user_age(&record[i]);
        if (record[i].username_length == 0) {
            trommel_call_reject(call, i, "the user has no name");
        } else if (age < 18) {
            batch->verdicts[i] = TROMMEL_FILTER;
        } else {
            out[i] = (bill){.user = record[i].id, .age = age + 1, .score = 5u * record[i].posts};
        }
    }
    return TROMMEL_STATUS_OK;
}

typedef struct sum {
    uint64_t bills, scores, last;
    int in_order;
} sum;

/* Runs on the thread that called trommel_pipeline_run. */
static int write_bills(void *user, const trommel_page *page, trommel_call *call) {
    sum *total = user;
    const bill *bills = page->records;
    (void)call;
    for (size_t i = 0; i < page->count; i++) {
        total->in_order &= total->bills == 0 || bills[i].user > total->last;
        total->last = bills[i].user;
        total->scores += bills[i].score;
        total->bills++;
    }
    return TROMMEL_STATUS_OK;
}

int main(int argc, char **argv) {
    users rows = {.rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000};
    sum total = {.in_order = 1};
    trommel_source source = {
        .size = sizeof source, .record_size = sizeof(trommel_user_record), .rows = rows.rows,
        .fill = fill, .user = &rows};
    trommel_transform transform = {
        .size = sizeof transform, .output_size = sizeof(bill), .apply = apply};
    trommel_sink sink = {
        .size = sizeof sink, .record_size = sizeof(bill), .write = write_bills, .user = &total};
    trommel_options options = {.size = sizeof options, .on_reject = TROMMEL_REJECT_SKIP};
    trommel_engine *engine = NULL;
    trommel_pipeline *pipeline = NULL;
    trommel_error *error = NULL;
    trommel_report report = {.size = sizeof report};
    int failed = trommel_engine_new(NULL, &engine, &error) ||
                 trommel_pipeline_new(engine, &pipeline, &error) ||
                 trommel_pipeline_options(pipeline, &options, &error) ||
                 trommel_pipeline_source(pipeline, &source, &error) ||
                 trommel_pipeline_transform(pipeline, &transform, &error) ||
                 trommel_pipeline_sink(pipeline, &sink, &error) ||
                 trommel_pipeline_run(pipeline, &report, &error);
    if (failed) {
        fprintf(stderr, "callbacks: %s\n", trommel_error_text(error));
    } else {
        printf("%" PRIu64 " read = %" PRIu64 " loaded + %" PRIu64 " rejected + %" PRIu64 " filtered\n",
               report.read, report.loaded, report.rejected, report.filtered);
        printf("%" PRIu64 " bills, scores %" PRIu64 ", %s\n", total.bills, total.scores,
               total.in_order ? "in order" : "OUT OF ORDER");
    }
    trommel_error_free(error);
    trommel_pipeline_free(pipeline);
    trommel_engine_free(engine);
    return failed || total.bills != report.loaded || !total.in_order;
}
