/* Starts a run that would never end, watches it, cancels it, and shows what came through: cancel. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <trommel.h>

static int numbers(void *user, void *records, size_t room, size_t *count, trommel_call *call) {
    uint64_t *next = user, *number = records;
    (void)call;
    for (*count = 0; *count < room; ++*count) number[*count] = (*next)++;
    return TROMMEL_STATUS_OK;
}

static int add(void *user, const trommel_page *page, trommel_call *call) {
    uint64_t *rows = user;
    (void)call;
    *rows += page->count;
    return TROMMEL_STATUS_OK;
}

int main(void) {
    uint64_t next = 0, rows = 0;
    trommel_source source = {
        .size = sizeof source, .record_size = sizeof(uint64_t), .fill = numbers, .user = &next};
    trommel_sink sink = {
        .size = sizeof sink, .record_size = sizeof(uint64_t), .write = add, .user = &rows};
    trommel_engine *engine = NULL;
    trommel_pipeline *pipeline = NULL;
    trommel_error *error = NULL;
    trommel_progress now = {.size = sizeof now};
    trommel_report report = {.size = sizeof report};
    int status = trommel_engine_new(NULL, &engine, &error);
    if (!status) status = trommel_pipeline_new(engine, &pipeline, &error);
    if (!status) status = trommel_pipeline_source(pipeline, &source, &error);
    if (!status) status = trommel_pipeline_sink(pipeline, &sink, &error);
    if (!status) status = trommel_pipeline_start(pipeline, &error);
    while (!status && now.rows < 100000) {
        status = trommel_pipeline_progress(pipeline, &now);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (!status) status = trommel_pipeline_cancel(pipeline);
    if (!status) status = trommel_pipeline_wait(pipeline, NULL, &error);
    if (status == TROMMEL_STATUS_CANCELLED) trommel_pipeline_report(pipeline, &report);
    printf("status %d: %s\n", status, trommel_error_text(error));
    printf("%" PRIu64 " rows loaded, %" PRIu64 " rows seen by the sink\n", report.loaded, rows);
    trommel_error_free(error);
    trommel_pipeline_free(pipeline);
    trommel_engine_free(engine);
    return status != TROMMEL_STATUS_CANCELLED || report.loaded != rows;
}
