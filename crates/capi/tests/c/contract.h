/* What the programs about the contract of trommel.h share: PROGRAM FOLDER [CASE].
 *
 * Each case is a function that ends the process with a message when something is not as the header
 * says. Without a case all are run; `list` prints their names. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trommel.h>

static const char *folder;

#define CHECK(what)                                                                              \
    do {                                                                                         \
        if (!(what)) {                                                                           \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #what);     \
            exit(1);                                                                             \
        }                                                                                        \
    } while (0)

#define IS(status, call) is((status), (call), #call, __LINE__)
static inline void is(int expected, int status, const char *call, int line) {
    if (status != expected) {
        fprintf(stderr, "line %d: %s: status %d, expected %d\n", line, call, status, expected);
        exit(1);
    }
}

static inline char *path(const char *name) {
    static _Thread_local char text[4][512];
    static _Thread_local unsigned turn;
    char *made = text[turn++ % 4];
    snprintf(made, sizeof text[0], "%s/%s", folder, name);
    return made;
}

static inline trommel_engine *engine_of(uint32_t workers) {
    trommel_engine_options options = {.size = sizeof options, .workers = workers};
    trommel_engine *engine = NULL;
    IS(0, trommel_engine_new(&options, &engine, NULL));
    return engine;
}

/* What callbacks are told to do. */
typedef struct plan {
    uint64_t next, rows;
    size_t per_call;
    int fail_source, fail_transform, fail_sink, fail_commit, fail_finish;
    int cancel_source, cancel_transform, cancel_sink, cancel_commit, cancel_finish;
    int transient;      /* the sink's first answers */
    pthread_t home;     /* source and sink must be called here */
    int strays;
    _Atomic uint64_t transformed;
    size_t batch_max;   /* no batch may have more rows; 0: any number */
    uint64_t written, sum, commits, finished, aborted;
    _Atomic int drops;
} plan;

static inline int fill(void *user, void *records, size_t room, size_t *count, trommel_call *call) {
    plan *p = user;
    uint64_t *out = records;
    p->strays += !pthread_equal(p->home, pthread_self());
    if (p->fail_source && p->next >= p->rows / 2) {
        trommel_call_fail(call, "the source broke");
        return 77;
    }
    if (p->cancel_source && p->next >= p->rows / 2) trommel_call_cancel(call);
    size_t n = p->per_call && p->per_call < room ? p->per_call : room;
    for (*count = 0; *count < n && p->next < p->rows; ++*count) out[*count] = p->next++;
    return p->next < p->rows ? TROMMEL_STATUS_OK : TROMMEL_STATUS_END;
}

static inline int apply(void *user, trommel_batch *batch, trommel_call *call) {
    plan *p = user;
    uint64_t *record = batch->records;
    CHECK(batch->size == sizeof *batch && batch->stride == sizeof(uint64_t));
    CHECK(!p->batch_max || batch->count <= p->batch_max);
    for (size_t i = 0; i < batch->count; i++) {
        if (p->fail_transform && record[i] == p->rows / 2) {
            trommel_call_fail(call, "the transform broke");
            return 78;
        }
        if (p->cancel_transform && record[i] == p->rows / 2) trommel_call_cancel(call);
        record[i] *= 2;
    }
    p->transformed += batch->count;
    return 0;
}

static inline int write_page(void *user, const trommel_page *page, trommel_call *call) {
    plan *p = user;
    const uint64_t *record = page->records;
    p->strays += !pthread_equal(p->home, pthread_self());
    CHECK(page->size == sizeof *page && page->stride == 8 && (uintptr_t)page->records % 64 == 0);
    if (p->transient > 0) {
        p->transient--;
        return TROMMEL_STATUS_TRANSIENT;
    }
    if (p->fail_sink && p->written >= p->rows / 2) {
        trommel_call_fail(call, "the sink broke");
        return 79;
    }
    if (p->cancel_sink && p->written >= p->rows / 2) trommel_call_cancel(call);
    for (size_t i = 0; i < page->count; i++) p->sum += record[i];
    p->written += page->count;
    return 0;
}

static inline int commit(void *user, trommel_call *call) {
    plan *p = user;
    p->commits++;
    p->strays += !pthread_equal(p->home, pthread_self());
    if (p->cancel_commit) trommel_call_cancel(call);
    if (p->fail_commit) trommel_call_fail(call, "the commit broke");
    return p->fail_commit ? 80 : 0;
}

static inline int finish(void *user, trommel_call *call) {
    plan *p = user;
    if (p->cancel_finish) trommel_call_cancel(call);
    p->finished++;
    p->strays += !pthread_equal(p->home, pthread_self());
    return p->fail_finish ? 81 : 0;
}

static inline int take_back(void *user, trommel_call *call) {
    plan *p = user;
    (void)call;
    p->aborted++;
    return 0;
}

static inline void drop(void *user) { ((plan *)user)->drops++; }

static inline trommel_pipeline *pipeline_of(trommel_engine *engine, plan *p) {
    trommel_pipeline *pipeline = NULL;
    p->home = pthread_self();
    IS(0, trommel_pipeline_new(engine, &pipeline, NULL));
    trommel_source source = {.size = sizeof source, .record_size = 8, .rows = p->rows, .fill = fill,
                             .user = p, .drop = drop};
    trommel_transform transform = {.size = sizeof transform, .apply = apply, .user = p, .drop = drop};
    trommel_sink sink = {.size = sizeof sink, .record_size = 8, .write = write_page, .commit = commit,
                         .finish = finish, .abort = take_back, .user = p, .drop = drop};
    IS(0, trommel_pipeline_source(pipeline, &source, NULL));
    IS(0, trommel_pipeline_transform(pipeline, &transform, NULL));
    IS(0, trommel_pipeline_sink(pipeline, &sink, NULL));
    return pipeline;
}

static inline void write_text(const char *name, const char *text) {
    FILE *file = fopen(path(name), "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

static inline int run_cases(const test_case *cases, size_t count, int argc, char **argv) {
    folder = argc > 1 ? argv[1] : ".";
    const char *wanted = argc > 2 ? argv[2] : NULL;
    int ran = 0;
    for (size_t i = 0; i < count; i++) {
        if (wanted && !strcmp(wanted, "list")) puts(cases[i].name);
        if (wanted && strcmp(wanted, cases[i].name)) continue;
        cases[i].run();
        ran++;
    }
    if (wanted && !strcmp(wanted, "list")) return 0;
    printf("%d cases as the header says\n", ran);
    return ran == 0;
}

#define CASES(...)                                                                               \
    int main(int argc, char **argv) {                                                            \
        const test_case cases[] = {__VA_ARGS__};                                                 \
        return run_cases(cases, sizeof cases / sizeof *cases, argc, argv);                       \
    }
