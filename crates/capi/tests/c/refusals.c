/* What can't be used is refused, and the message says why. */
#include "contract.h"

/* NULL for every pointer of every function, one at a time and all at once. */
static void nulls(void) {
    trommel_engine *engine = engine_of(1);
    trommel_pipeline *pipeline = NULL;
    trommel_error *error = NULL;
    IS(0, trommel_engine_free(NULL));
    IS(0, trommel_pipeline_free(NULL));
    IS(0, trommel_error_free(NULL));
    IS(TROMMEL_STATUS_NULL, trommel_engine_new(NULL, NULL, &error));
    CHECK(trommel_error_status(error) == TROMMEL_STATUS_NULL);
    CHECK(strstr(trommel_error_text(error), "engine"));
    IS(0, trommel_error_free(error));
    IS(TROMMEL_STATUS_NULL, trommel_engine_new(NULL, NULL, NULL));
    CHECK(trommel_engine_workers(NULL) == 0 && trommel_engine_workers(engine) == 1);
    CHECK(strcmp(trommel_error_text(NULL), "no error") == 0 && trommel_error_status(NULL) == 0);
    IS(TROMMEL_STATUS_NULL, trommel_error_info_get(NULL, NULL));
    trommel_error_info info = {.size = sizeof info};
    IS(TROMMEL_STATUS_NULL, trommel_error_info_get(NULL, &info));
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_new(NULL, &pipeline, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_new(engine, NULL, NULL));
    IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
    for (int with = 0; with < 2; with++) {
        trommel_pipeline *p = with ? pipeline : NULL;
        const char *t = with ? NULL : "text";
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_name(p, t, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_from(p, t, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_into(p, t, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_set(p, t, "text", NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_set(p, "text", t, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_column(p, t, NULL, NULL, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_output(p, t, NULL, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_resumable(p, t, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_options(p, NULL, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_source(p, NULL, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_transform(p, NULL, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_sink(p, NULL, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_on_progress(p, NULL, NULL, NULL, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_progress(p, NULL));
        IS(TROMMEL_STATUS_NULL, trommel_pipeline_report(p, NULL));
    }
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_run(NULL, NULL, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_start(NULL, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_wait(NULL, NULL, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_cancel(NULL));
    CHECK(trommel_pipeline_is_finished(NULL) == 0 && !trommel_pipeline_report_json(NULL));
    CHECK(!trommel_pipeline_report_json(pipeline));
    trommel_source source = {.size = sizeof source};
    trommel_transform transform = {.size = sizeof transform};
    trommel_sink sink = {.size = sizeof sink};
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_source(pipeline, &source, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_transform(pipeline, &transform, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_pipeline_sink(pipeline, &sink, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_call_fail(NULL, NULL));
    IS(TROMMEL_STATUS_NULL, trommel_call_cancel(NULL));
    CHECK(trommel_call_is_cancelled(NULL) == 0 && !trommel_call_reserve(NULL, 8));
    IS(TROMMEL_STATUS_NULL, trommel_call_push(NULL, NULL, 0));
    IS(TROMMEL_STATUS_NULL, trommel_call_emit(NULL, 0, NULL, 0));
    IS(TROMMEL_STATUS_NULL, trommel_call_emit_values(NULL, 0, NULL, 0));
    IS(TROMMEL_STATUS_NULL, trommel_call_commit(NULL, 0, 0));
    IS(TROMMEL_STATUS_NULL, trommel_call_reject(NULL, 0, NULL));
    IS(0, trommel_pipeline_free(pipeline));
    IS(0, trommel_engine_free(engine));
}

static void sizes(void) {
    trommel_engine *engine = NULL;
    trommel_error *error = NULL;
    trommel_engine_options options = {.size = 0};
    IS(TROMMEL_STATUS_SIZE, trommel_engine_new(&options, &engine, &error));
    CHECK(strstr(trommel_error_text(error), "sizeof(trommel_engine_options)"));
    IS(0, trommel_error_free(error));
    options.size = 1u << 30;
    IS(TROMMEL_STATUS_SIZE, trommel_engine_new(&options, &engine, NULL));
    CHECK(engine == NULL);
    /* A caller built against a later header: longer is fine. */
    struct {
        trommel_engine_options known;
        char later[64];
    } longer = {.known = {.size = sizeof longer, .workers = 1}};
    IS(0, trommel_engine_new(&longer.known, &engine, NULL));
    plan p = {.rows = 1};
    trommel_pipeline *pipeline = pipeline_of(engine, &p);
    trommel_options bad = {.size = 7};
    IS(TROMMEL_STATUS_SIZE, trommel_pipeline_options(pipeline, &bad, NULL));
    trommel_source source = {.size = 3, .fill = fill};
    IS(TROMMEL_STATUS_SIZE, trommel_pipeline_source(pipeline, &source, NULL));
    trommel_report report = {.size = 1};
    IS(TROMMEL_STATUS_SIZE, trommel_pipeline_run(pipeline, &report, NULL));
    report.size = sizeof report;
    IS(0, trommel_pipeline_run(pipeline, &report, NULL)); /* the refused call changed nothing */
    trommel_progress progress = {.size = 2};
    IS(TROMMEL_STATUS_SIZE, trommel_pipeline_progress(pipeline, &progress));
    IS(0, trommel_pipeline_free(pipeline));
    IS(0, trommel_engine_free(engine));
}

static void bad_options(void) {
    trommel_engine *engine = NULL;
    trommel_error *error = NULL;
    trommel_engine_options many = {.size = sizeof many, .workers = 1000000};
    IS(TROMMEL_STATUS_CONFIG, trommel_engine_new(&many, &engine, &error));
    CHECK(strstr(trommel_error_text(error), "workers is 1000000"));
    IS(0, trommel_error_free(error));
    /* Symptom: a run ended the process with a stack overflow, or trommel_engine_new answered PANIC.
     * Cause: any stack_bytes but 0 went to the workers' threads. Fix: a least and a largest one. */
    const uint64_t stacks[] = {1, 65536, UINT64_MAX};
    for (int i = 0; i < 3; i++) {
        trommel_engine_options stack = {.size = sizeof stack, .workers = 1, .stack_bytes = stacks[i]};
        IS(TROMMEL_STATUS_CONFIG, trommel_engine_new(&stack, &engine, &error));
        CHECK(strstr(trommel_error_text(error), "stack_bytes is "));
        IS(0, trommel_error_free(error));
    }
    engine = engine_of(1);
    struct {
        trommel_options options;
        const char *said;
    } cases[] = {
        {{.tier = 99}, "tier is 99"},
        {{.order = 9}, "order is 9"},
        {{.on_reject = 9}, "on_reject is 9"},
        {{.on_panic = 9}, "on_panic is 9"},
        {{.on_reject = TROMMEL_REJECT_FILE}, "reject_file is NULL"},
        {{.on_reject = TROMMEL_REJECT_FILE, .reject_file = "/no/such/folder/x"}, "reject_file"},
        {{.memory_limit = 1}, "memory_limit is 1"},
        {{.batch_size = 1u << 30}, "batch_size is"},
        {{.batch_min = 5, .batch_max = 4}, "adaptive is 5..=4"},
        {{.retries = 1, .retry_initial_ms = 9, .retry_max_ms = 1}, "retry.initial"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trommel_pipeline *pipeline = NULL;
        IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
        cases[i].options.size = sizeof(trommel_options);
        CHECK(trommel_pipeline_options(pipeline, &cases[i].options, &error) != 0);
        if (!strstr(trommel_error_text(error), cases[i].said)) {
            fprintf(stderr, "%s\n", trommel_error_text(error));
            CHECK(0 && "the message names the option");
        }
        IS(0, trommel_error_free(error));
        IS(TROMMEL_STATUS_STATE, trommel_pipeline_run(pipeline, NULL, &error));
        CHECK(strstr(trommel_error_text(error), "no source"));
        IS(0, trommel_error_free(error));
        IS(0, trommel_pipeline_free(pipeline));
    }
    IS(0, trommel_engine_free(engine));
}

/* Symptom: batch_max alone was an error, as was watchdog_ms = -1; retry_initial_ms was not looked at where
 * the tier says how often.
 * Cause: what was 0 beside a field that was not went to the engine as 0, negative times as none.
 * Fix: 0 is the tier's own, negative is off. */
static void defaults(void) {
    trommel_engine *engine = engine_of(2);
    struct {
        trommel_options options;
        plan p;
    } cases[] = {
        {{.batch_max = 4}, {.batch_max = 4}},
        {{.batch_max = 500}, {.batch_max = 500}},
        {{.batch_min = 10000}, {.batch_max = 10000}},
        {{.tier = TROMMEL_TIER_DATABASE, .retry_initial_ms = 1}, {.transient = 8}},
        {{.retries = 2, .retry_max_ms = 1}, {.transient = 2}},
        {{.flush_timeout_ms = -1, .grace_ms = -1, .watchdog_ms = -1}, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan *p = &cases[i].p;
        int transient = p->transient;
        trommel_report report = {.size = sizeof report};
        p->rows = 30000;
        trommel_pipeline *pipeline = pipeline_of(engine, p);
        cases[i].options.size = sizeof(trommel_options);
        IS(0, trommel_pipeline_options(pipeline, &cases[i].options, NULL));
        IS(0, trommel_pipeline_run(pipeline, &report, NULL));
        CHECK(report.loaded == p->rows && report.retries == (uint64_t)transient);
        IS(0, trommel_pipeline_free(pipeline));
    }
    IS(0, trommel_engine_free(engine));
}

static void urls(void) {
    trommel_engine *engine = engine_of(1);
    write_text("people.csv", "name;age;height\nAnna;36;1.7\nBo;seven;1.8\nCy;NA;1.9\n");
    struct {
        const char *from, *into, *said;
        int status;
    } cases[] = {
        {"people.csv", "sqlite:x.db?table=t", "no scheme", TROMMEL_STATUS_CONFIG},
        {"xml:people", "sqlite:x.db?table=t", "no source `xml:`", TROMMEL_STATUS_UNSUPPORTED},
        {"csv:/no/such", "sqlite:x.db?table=t", "cannot open /no/such", TROMMEL_STATUS_IO},
        {"csv:PEOPLE?delimeter=;", "sqlite:x.db?table=t", "no such setting", TROMMEL_STATUS_CONFIG},
        {"csv:PEOPLE?trim=maybe", "sqlite:x.db?table=t", "trim: `maybe`", TROMMEL_STATUS_CONFIG},
        {"csv:PEOPLE", "sqlite:x.db?table=t", "set it to `;`", TROMMEL_STATUS_CONFIG},
        {"csv:PEOPLE?delimiter=;", "sqlite:x.db", "table: name it", TROMMEL_STATUS_CONFIG},
        {"csv:PEOPLE?delimiter=;", "sqlite:/no/such/x.db?table=t", "/no/such", TROMMEL_STATUS_IO},
        {"csv:PEOPLE?delimiter=;", "odbc:x", "no sink `odbc:`", TROMMEL_STATUS_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trommel_pipeline *pipeline = NULL;
        trommel_error *error = NULL;
        IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
        int status = trommel_pipeline_from(pipeline, cases[i].from, &error);
        if (!status && strstr(cases[i].from, "PEOPLE"))
            status = trommel_pipeline_set(pipeline, "source.path", path("people.csv"), &error);
        if (!status) status = trommel_pipeline_into(pipeline, cases[i].into, &error);
        if (!status && strstr(cases[i].into, ":x.db"))
            status = trommel_pipeline_set(pipeline, "sink.path", path("x.db"), &error);
        if (!status) status = trommel_pipeline_run(pipeline, NULL, &error);
        if (status != cases[i].status || !strstr(trommel_error_text(error), cases[i].said)) {
            fprintf(stderr, "%s -> %s: %d %s\n", cases[i].from, cases[i].into, status,
                    trommel_error_text(error));
            exit(1);
        }
        IS(0, trommel_error_free(error));
        IS(0, trommel_pipeline_free(pipeline));
    }
    /* Columns, kinds, rejects. */
    trommel_pipeline *pipeline = NULL;
    trommel_error *error = NULL;
    char url[600];
    snprintf(url, sizeof url, "csv:%s?delimiter=;&nulls=,NA", path("people.csv"));
    trommel_options options = {.size = sizeof options, .on_reject = TROMMEL_REJECT_FILE,
                               .reject_file = path("rejects.jsonl")};
    trommel_report report = {.size = sizeof report};
    IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
    IS(0, trommel_pipeline_options(pipeline, &options, NULL));
    IS(0, trommel_pipeline_from(pipeline, url, NULL));
    snprintf(url, sizeof url, "sqlite:%s?table=people&key=who", path("people.db"));
    IS(0, trommel_pipeline_into(pipeline, url, NULL));
    IS(0, trommel_pipeline_column(pipeline, "name", "who", "TEXT NOT NULL", NULL));
    IS(0, trommel_pipeline_column(pipeline, "#1", "years", "INTEGER", NULL));
    IS(TROMMEL_STATUS_CONFIG, trommel_pipeline_column(pipeline, "age", NULL, "WHOLE", NULL));
    IS(0, trommel_pipeline_run(pipeline, &report, &error));
    CHECK(report.loaded == 2 && report.rejected == 1);
    IS(0, trommel_pipeline_free(pipeline));
    FILE *rejects = fopen(path("rejects.jsonl"), "r");
    char line[512] = "";
    CHECK(rejects && fgets(line, sizeof line, rejects));
    CHECK(strstr(line, "Bo;seven;1.8") && strstr(line, "\"line\":3") && strstr(line, "age"));
    fclose(rejects);
    IS(0, trommel_engine_free(engine));
}

CASES({"nulls", nulls}, {"sizes", sizes}, {"bad_options", bad_options}, {"defaults", defaults}, {"urls", urls})
