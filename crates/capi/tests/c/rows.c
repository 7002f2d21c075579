/* Rows with columns, records of bytes, jobs. */
#include "contract.h"

/* A CSV file through a C transform that writes values of its own into SQLite. */
static int words(void *user, trommel_batch *batch, trommel_call *call) {
    (void)user;
    CHECK(batch->columns == 2 && batch->stride == 2 * sizeof(trommel_value));
    for (size_t i = 0; i < batch->count; i++) {
        const trommel_value *row = (const trommel_value *)((char *)batch->records + i * batch->stride);
        CHECK(row[0].kind == TROMMEL_TEXT && row[1].kind == TROMMEL_INTEGER);
        trommel_value out[2] = {row[0], {.kind = TROMMEL_REAL}};
        for (int64_t n = 0; n < row[1].as.integer; n++) {
            out[1].as.real = (double)n / 2;
            CHECK(trommel_call_emit_values(call, i, out, 2) == 0);
        }
        if (row[1].as.integer == 0) batch->verdicts[i] = TROMMEL_FILTER;
    }
    CHECK(trommel_call_emit_values(call, batch->count, NULL, 0) == TROMMEL_STATUS_ARGUMENT);
    CHECK(trommel_call_emit(call, 0, NULL, 3) == TROMMEL_STATUS_NULL);
    CHECK(trommel_call_push(call, "x", 1) == TROMMEL_STATUS_STATE);
    CHECK(trommel_call_commit(call, 0, 1) == TROMMEL_STATUS_STATE);
    return 0;
}

static void columns(void) {
    trommel_engine *engine = engine_of(2);
    trommel_pipeline *pipeline = NULL;
    trommel_error *error = NULL;
    trommel_report report = {.size = sizeof report};
    trommel_transform transform = {.size = sizeof transform, .apply = words};
    char url[600];
    write_text("words.csv", "word,times\na,1\nb,0\nc,3\n");
    IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
    snprintf(url, sizeof url, "csv:%s", path("words.csv"));
    IS(0, trommel_pipeline_from(pipeline, url, NULL));
    snprintf(url, sizeof url, "sqlite:%s?table=words&mode=replace", path("words.db"));
    IS(0, trommel_pipeline_into(pipeline, url, NULL));
    IS(0, trommel_pipeline_column(pipeline, "word", NULL, NULL, NULL));
    IS(0, trommel_pipeline_column(pipeline, "times", NULL, "INTEGER", NULL));
    IS(0, trommel_pipeline_output(pipeline, "word", NULL, NULL));
    IS(0, trommel_pipeline_output(pipeline, "half", "REAL", NULL));
    IS(0, trommel_pipeline_transform(pipeline, &transform, NULL));
    int status = trommel_pipeline_run(pipeline, &report, &error);
    if (status) fprintf(stderr, "%s\n", trommel_error_text(error));
    CHECK(status == 0 && report.read == 3 && report.loaded == 2 && report.filtered == 1);
    CHECK(report.emitted == 4);
    IS(0, trommel_pipeline_free(pipeline));
    IS(0, trommel_engine_free(engine));
}

/* Records of bytes in, out through reserve and commit. */
static int lines(void *user, void *records, size_t room, size_t *count, trommel_call *call) {
    int *left = user;
    char text[32];
    CHECK(records == NULL && room == 0 && *count == 0);
    int length = snprintf(text, sizeof text, "line %d", *left);
    CHECK(trommel_call_push(call, text, (size_t)length) == 0);
    return --*left > 0 ? 0 : TROMMEL_STATUS_END;
}

static int shout(void *user, trommel_batch *batch, trommel_call *call) {
    (void)user;
    const char *text = batch->records;
    for (size_t i = 0, start = 0; i < batch->count; start = batch->ends[i++]) {
        size_t length = batch->ends[i] - start;
        char *out = trommel_call_reserve(call, length + 8);
        CHECK(out && (uintptr_t)out % 16 == 0);
        memcpy(out, text + start, length);
        out[length] = '!';
        CHECK(trommel_call_commit(call, i, length + 9) == TROMMEL_STATUS_ARGUMENT);
        out = trommel_call_reserve(call, length + 1);
        memcpy(out, text + start, length);
        out[length] = '!';
        CHECK(trommel_call_commit(call, i, length + 1) == 0);
    }
    return 0;
}

static int hear(void *user, const trommel_page *page, trommel_call *call) {
    size_t *bytes = user;
    (void)call;
    CHECK(page->stride == 0 && page->count > 0);
    const char *text = page->records;
    for (size_t i = 0, start = 0; i < page->count; start = page->ends[i++]) {
        CHECK(memcmp(text + start, "line ", 5) == 0 && text[page->ends[i] - 1] == '!');
        bytes[0]++;
        bytes[1] += page->ends[i] - start;
    }
    return 0;
}

static void bytes(void) {
    trommel_engine *engine = engine_of(2);
    int left = 30000;
    size_t heard[2] = {0};
    trommel_pipeline *pipeline = NULL;
    trommel_source source = {.size = sizeof source, .fill = lines, .user = &left};
    trommel_transform transform = {.size = sizeof transform, .apply = shout};
    trommel_sink sink = {.size = sizeof sink, .write = hear, .user = heard};
    IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
    IS(0, trommel_pipeline_source(pipeline, &source, NULL));
    IS(0, trommel_pipeline_transform(pipeline, &transform, NULL));
    IS(0, trommel_pipeline_sink(pipeline, &sink, NULL));
    IS(0, trommel_pipeline_run(pipeline, NULL, NULL));
    CHECK(heard[0] == 30000);
    IS(0, trommel_pipeline_free(pipeline));
    IS(0, trommel_engine_free(engine));
}

/* A job that is run again does nothing. */
static void resumes(void) {
    trommel_engine *engine = engine_of(1);
    write_text("job.csv", "a\n1\n2\n3\n");
    for (int run = 0; run < 2; run++) {
        trommel_pipeline *pipeline = NULL;
        trommel_report report = {.size = sizeof report};
        char url[600];
        IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
        snprintf(url, sizeof url, "csv:%s", path("job.csv"));
        IS(0, trommel_pipeline_from(pipeline, url, NULL));
        snprintf(url, sizeof url, "sqlite:%s?table=t", path("job.db"));
        IS(0, trommel_pipeline_into(pipeline, url, NULL));
        IS(0, trommel_pipeline_resumable(pipeline, "nightly", NULL));
        IS(0, trommel_pipeline_run(pipeline, &report, NULL));
        CHECK(report.read == (run ? 0 : 3));
        IS(0, trommel_pipeline_free(pipeline));
    }
    IS(0, trommel_engine_free(engine));
}

CASES({"columns", columns}, {"bytes", bytes}, {"resumes", resumes})
