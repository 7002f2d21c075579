/* trommel.h: the C ABI of Trommel, an ETL engine to link into a program.
 *
 * The contract is docs/c-api.md; each function repeats its part of it. In short:
 *
 * - Handles are opaque, made by *_new and freed by *_free. Freeing NULL does nothing.
 * - Arguments come in the order: self, inputs, outputs, error. Outputs are written only on success.
 * - A function answers a trommel_status: 0 is success. Where its last parameter is
 *   `trommel_error **error` (which may be NULL), a failure puts an error object there; whoever gets
 *   it frees it with trommel_error_free. There is no global error and errno is not used.
 * - NULL is checked everywhere and answered with TROMMEL_STATUS_NULL, except where it has a meaning.
 * - Texts end in NUL and are UTF-8, unless a length stands beside them.
 * - Structs that begin with `uint32_t size` must have it set to their sizeof, and all that is not
 *   wanted to zero: `trommel_options options = {.size = sizeof options};`.
 * - No panic and no exception crosses this boundary. A C++ exception that leaves a callback ends the
 *   process: use trommel.hpp, which keeps them inside.
 */
#ifndef TROMMEL_H
#define TROMMEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Major, minor and patch version as one number: 1.2.3 is 1002003. */
#define TROMMEL_ABI_VERSION 1000
#define TROMMEL_VERSION "0.1.0"

/* A number that is not known. */
#define TROMMEL_UNKNOWN UINT64_MAX

typedef struct trommel_engine trommel_engine;
typedef struct trommel_pipeline trommel_pipeline;
typedef struct trommel_error trommel_error;
typedef struct trommel_call trommel_call;

typedef enum trommel_status {
    TROMMEL_STATUS_OK = 0,
    TROMMEL_STATUS_END = 1,           /* a source callback's answer: there is no more */
    TROMMEL_STATUS_NULL = 2,          /* a pointer that must not be NULL is */
    TROMMEL_STATUS_SIZE = 3,          /* a struct's size is none that any version has known */
    TROMMEL_STATUS_ARGUMENT = 4,      /* an argument can't be used; the message names it */
    TROMMEL_STATUS_STATE = 5,         /* not now: it runs, has run, lacks a part, is in use */
    TROMMEL_STATUS_HANDLE = 6,        /* not a living handle (found out in debug builds only) */
    TROMMEL_STATUS_FORKED = 7,        /* the handle was made before fork, by the parent */
    TROMMEL_STATUS_CALLBACK = 8,      /* a callback has reported an error */
    TROMMEL_STATUS_PANIC = 9,         /* the library, or a callback written in Rust, panicked */
    TROMMEL_STATUS_ROW = 10,          /* a row is bad */
    TROMMEL_STATUS_CONFIG = 11,       /* an option has a value that cannot work */
    TROMMEL_STATUS_TRANSIENT = 12,    /* it may succeed when tried again */
    TROMMEL_STATUS_IO = 13,           /* reading or writing failed for good */
    TROMMEL_STATUS_CANCELLED = 14,    /* the run was cancelled */
    TROMMEL_STATUS_STALLED = 15,      /* the watchdog saw no progress */
    TROMMEL_STATUS_REJECT_LIMIT = 16, /* more rows were rejected than allowed */
    TROMMEL_STATUS_UNSUPPORTED = 17,  /* not supported by this source or sink, or not built in */
    TROMMEL_STATUS_FATAL = 18         /* anything else that ends the run */
} trommel_status;

typedef enum trommel_stage {
    TROMMEL_STAGE_NONE = 0,
    TROMMEL_STAGE_SOURCE = 1,
    TROMMEL_STAGE_TRANSFORM = 2,
    TROMMEL_STAGE_SINK = 3
} trommel_stage;

/* ---- version --------------------------------------------------------------------------------- */

/* TROMMEL_ABI_VERSION of the library that was loaded. While the major version is 0, another minor
 * version is another ABI: compare before anything else when the library is loaded at run time. */
uint32_t trommel_abi_version(void);
/* TROMMEL_VERSION of the library that was loaded; static. */
const char *trommel_version(void);
/* The parts that were built in, separated by blanks, as "csv sqlite"; lives as long as the library. */
const char *trommel_features(void);

/* ---- errors ---------------------------------------------------------------------------------- */

typedef struct trommel_error_info {
    uint32_t size;
    int status;                 /* a trommel_status */
    int stage;                  /* a trommel_stage */
    int callback_code;          /* what the callback returned, with TROMMEL_STATUS_CALLBACK */
    uint64_t batch;             /* number of the batch, from 0; TROMMEL_UNKNOWN, as all below */
    uint64_t row;               /* index of the row in its batch, from 0 */
    uint64_t record;            /* number of the record in its source, from 0 */
    uint64_t line;              /* line on which the record starts, from 1 */
    uint64_t offset;            /* byte on which the record starts, from 0 */
    const char *text;           /* all of it in one line */
    const char *message;        /* what is wrong and what to do, without place and cause */
    const char *source;         /* file, table or stream; NULL when it is not known */
    const char *column;         /* NULL when it is not known */
    const trommel_error *cause; /* why it is so; NULL at the end of the chain; not to be freed */
} trommel_error_info;

/* All of the error in one line; lives as long as the error. "no error" for NULL. */
const char *trommel_error_text(const trommel_error *error);
/* Its trommel_status; TROMMEL_STATUS_OK for NULL. */
int trommel_error_status(const trommel_error *error);
/* All that is known; the texts and the cause live as long as the error. */
int trommel_error_info_get(const trommel_error *error, trommel_error_info *info);
/* Frees an error that a function has handed out. */
int trommel_error_free(trommel_error *error);

/* ---- engine ---------------------------------------------------------------------------------- */

typedef struct trommel_engine_options {
    uint32_t size;
    uint32_t workers;        /* threads in the pool; 0: the cores available to the process */
    uint64_t stack_bytes;    /* of each worker; 0: 2 MiB */
    const char *thread_name; /* followed by a number; NULL: "trommel" */
} trommel_engine_options;

/* Makes an engine and starts its workers; `options` may be NULL. Any number of engines may live. */
int trommel_engine_new(const trommel_engine_options *options, trommel_engine **engine,
                       trommel_error **error);
/* Threads in its pool. */
uint32_t trommel_engine_workers(const trommel_engine *engine);
/* Ends the workers and waits for them: no thread is left. TROMMEL_STATUS_STATE while pipelines of the
 * engine have not been freed, TROMMEL_STATUS_FORKED in a child process; nothing is freed then. */
int trommel_engine_free(trommel_engine *engine);

/* ---- pipelines ------------------------------------------------------------------------------- */

/* A pipeline runs once: made, told its parts, run (or started and waited for), freed. All functions
 * may be called from any thread; while it runs, those that change it answer TROMMEL_STATUS_STATE. So do
 * run and start when a part is missing, and leave it to be completed. */
int trommel_pipeline_new(trommel_engine *engine, trommel_pipeline **pipeline, trommel_error **error);
/* Cancels what was started and waits for it, then frees all. TROMMEL_STATUS_STATE while another
 * thread is in trommel_pipeline_run or _wait. */
int trommel_pipeline_free(trommel_pipeline *pipeline);

/* What it is called in reports and errors. Default: "pipeline". */
int trommel_pipeline_name(trommel_pipeline *pipeline, const char *name, trommel_error **error);
/* Reads from a URL as "csv:PATH?delimiter=;"; docs/c-api.md lists schemes and settings. Opened by run or
 * start. */
int trommel_pipeline_from(trommel_pipeline *pipeline, const char *url, trommel_error **error);
/* Writes to a URL as "sqlite:PATH?table=NAME". Opened by run or start. */
int trommel_pipeline_into(trommel_pipeline *pipeline, const char *url, trommel_error **error);
/* Sets "source.KEY" or "sink.KEY" of the URL, taken as it is, without %-signs; KEY may be "path". */
int trommel_pipeline_set(trommel_pipeline *pipeline, const char *key, const char *value,
                         trommel_error **error);
/* Reads column `from` ("#0" is the first) and calls it `to` (NULL: the same; never ""). `declaration`
 * is an SQL type and perhaps constraints: its first word says how fields are read (TEXT, INTEGER,
 * REAL, BOOLEAN, BLOB and their like; NULL: as the source has them, which for CSV is TEXT), all of it declares
 * the column of a table that the sink creates. Without any call all columns are read, as the source has
 * them; those of "ndjson:" have to be named, as "id" or "home.phones[0]". */
int trommel_pipeline_column(trommel_pipeline *pipeline, const char *from, const char *to,
                            const char *declaration, trommel_error **error);
/* Declares, in order, a column for which the transform emits a value (trommel_call_emit_values).
 * NULL: TEXT. Without any call the transform's columns are those read. */
int trommel_pipeline_output(trommel_pipeline *pipeline, const char *to, const char *declaration,
                            trommel_error **error);
/* Makes the run one of a job that is done exactly once: run again after it was cut off it goes on
 * from what the sink has stored, run again after its end it does nothing. */
int trommel_pipeline_resumable(trommel_pipeline *pipeline, const char *job, trommel_error **error);

typedef enum trommel_tier {
    TROMMEL_TIER_NONE = 0,
    TROMMEL_TIER_MEMORY = 1,  /* records in memory; a few nanoseconds a row */
    TROMMEL_TIER_LIGHT = 2,   /* up to a microsecond a row */
    TROMMEL_TIER_HEAVY = 3,   /* more than a microsecond a row */
    TROMMEL_TIER_NETWORK = 4, /* one end talks over a network */
    TROMMEL_TIER_DATABASE = 5 /* the sink is a database */
} trommel_tier;

typedef enum trommel_order { TROMMEL_ORDERED = 0, TROMMEL_AS_COMPLETED = 1 } trommel_order;

typedef enum trommel_on_reject {
    TROMMEL_REJECT_STOP = 0,     /* the first bad row ends the run */
    TROMMEL_REJECT_SKIP = 1,     /* bad rows are counted */
    TROMMEL_REJECT_FILE = 2,     /* and written to reject_file, a line of JSON each */
    TROMMEL_REJECT_WITH_DATA = 3 /* and stored by the sink, in the transaction of the data */
} trommel_on_reject;

typedef enum trommel_on_panic { TROMMEL_PANIC_FAIL = 0, TROMMEL_PANIC_REJECT = 1 } trommel_on_panic;

/* 0 is the default of every field, of the tier if there is one. Times: negative is none at all. */
typedef struct trommel_options {
    uint32_t size;
    uint32_t tier;                  /* a trommel_tier: presets, which the fields below change */
    uint32_t batch_size;            /* rows in the first batch; 128 */
    uint32_t batch_min;             /* rows, range in which the size is chosen; 16 */
    uint32_t batch_max;             /* rows; 8192; the same as batch_min: a fixed size */
    uint32_t transform_concurrency; /* pieces of one batch at once; automatic */
    uint32_t channel_capacity;      /* batches between source and sink; 2 * workers + 2 */
    uint32_t order;                 /* a trommel_order */
    uint64_t memory_limit;          /* bytes of all batches and pages together; 256 MiB */
    int64_t flush_timeout_ms;       /* longest time a row waits for its batch to fill; 100 */
    int64_t grace_ms;               /* after a cancel, how long batches in flight go on; 5000 */
    int64_t watchdog_ms;            /* a run without progress for this long ends; off */
    uint32_t on_reject;             /* a trommel_on_reject */
    uint32_t on_panic;              /* a trommel_on_panic, for callbacks written in Rust */
    uint64_t max_rejects;           /* one more than this ends the run; no limit */
    const char *reject_file;        /* made at once, if need be; a run empties it, a job goes on */
    uint32_t retries;               /* of sink calls that answer TROMMEL_STATUS_TRANSIENT; none */
    uint32_t retry_initial_ms;      /* longest pause before the first, doubled with each; 50 */
    uint32_t retry_max_ms;          /* longest pause; 5000 */
    uint32_t reserved;
} trommel_options;

/* Sets the knobs of the run. A value that cannot work is TROMMEL_STATUS_CONFIG, naming it. */
int trommel_pipeline_options(trommel_pipeline *pipeline, const trommel_options *options,
                             trommel_error **error);

/* ---- running --------------------------------------------------------------------------------- */

typedef enum trommel_outcome {
    TROMMEL_FINISHED = 0,
    TROMMEL_CANCELLED = 1,
    TROMMEL_FAILED = 2
} trommel_outcome;

/* read = loaded + rejected + filtered + abandoned. Arrays: source, transform, sink. */
typedef struct trommel_report {
    uint32_t size;
    int32_t outcome; /* a trommel_outcome */
    uint64_t read;
    uint64_t loaded;
    uint64_t rejected;
    uint64_t filtered;
    uint64_t abandoned; /* read by a run that failed or was cancelled, and not loaded */
    uint64_t emitted;   /* values; more than `loaded` when rows become several */
    uint64_t bytes_read;
    uint64_t batches;
    uint64_t retries;
    uint64_t elapsed_ns;
    uint32_t workers;   /* 0: the calling thread did it alone */
    int32_t bottleneck; /* a trommel_stage */
    uint64_t busy_ns[3];
    uint64_t waiting_ns[3];
} trommel_report;

typedef struct trommel_progress {
    uint32_t size;
    uint32_t reserved;
    uint64_t rows;
    uint64_t bytes;
    uint64_t elapsed_ns;
    double rows_per_second;
    double fraction;    /* 0 to 1; -1 when it is not known */
    double eta_seconds; /* -1 when it is not known */
    double source_busy; /* shares of the time, 0 to 1 */
    double transform_busy;
    double sink_busy;
} trommel_progress;

/* Runs it to its end on this thread and the engine's workers. `report` may be NULL. */
int trommel_pipeline_run(trommel_pipeline *pipeline, trommel_report *report, trommel_error **error);
/* Runs it on a thread of its own. */
int trommel_pipeline_start(trommel_pipeline *pipeline, trommel_error **error);
/* Waits for the end of what was started, and answers what run would have. `report` may be NULL. */
int trommel_pipeline_wait(trommel_pipeline *pipeline, trommel_report *report, trommel_error **error);
/* Cancels it, from any thread and also before it runs. What has come through is committed; the run
 * ends with TROMMEL_STATUS_CANCELLED within the grace. */
int trommel_pipeline_cancel(trommel_pipeline *pipeline);
/* 1 when it has ended, else 0. */
int trommel_pipeline_is_finished(const trommel_pipeline *pipeline);
/* The latest snapshot, about a tenth of a second old; rows 0 and fraction -1 before the first. */
int trommel_pipeline_progress(const trommel_pipeline *pipeline, trommel_progress *progress);
/* Has `call` told of the progress about ten times a second, on a thread of its own, and once at the
 * end. An answer other than 0 cancels the run. */
int trommel_pipeline_on_progress(trommel_pipeline *pipeline,
                                 int (*call)(void *user, const trommel_progress *progress),
                                 void *user, void (*drop)(void *user), trommel_error **error);
/* The report of a run that has ended, also of one that failed. */
int trommel_pipeline_report(const trommel_pipeline *pipeline, trommel_report *report);
/* The same, and more, as JSON; lives as long as the pipeline. NULL before the end. */
const char *trommel_pipeline_report_json(const trommel_pipeline *pipeline);

/* ---- callbacks ------------------------------------------------------------------------------- */

/* All callbacks:
 *
 * - Source and sink callbacks, and their commit, finish and abort, run only on the thread that called
 *   trommel_pipeline_run (after _start: on the one thread of that run), one at a time. A source that
 *   waits keeps a callback sink waiting.
 * - Transforms run on the workers and on the thread that runs, several at once on other batches: what
 *   `user` points to must bear that.
 * - `call` and all buffers are the engine's and may be used until the callback returns, on its thread.
 * - Answer 0 for success. Anything else but TROMMEL_STATUS_END of a source ends the run with
 *   TROMMEL_STATUS_CALLBACK; trommel_call_fail says why. TROMMEL_STATUS_TRANSIENT of a sink is tried
 *   again by the retry policy, with the same page: nothing of it may have been stored then.
 * - `drop` (may be NULL) is called with `user` exactly once: when the run has ended, when the pipeline
 *   is freed, or when another part takes the place. When the function that hands `user` over fails,
 *   it stays the caller's and `drop` is not called.
 * - A callback must not call trommel_pipeline_run, _wait or _free on its own pipeline.
 */

/* Keeps a message for the error that the callback is about to answer. */
int trommel_call_fail(trommel_call *call, const char *message);
/* Cancels the run: the callback finishes its work as usual. */
int trommel_call_cancel(trommel_call *call);
/* 1 when the run was cancelled, else 0: a source that waits should look. */
int trommel_call_is_cancelled(trommel_call *call);

typedef struct trommel_source {
    uint32_t size;
    uint32_t record_size; /* bytes of a record; 0: records of bytes, given with trommel_call_push */
    uint64_t rows;        /* how many there will be, for the progress; 0: not known */
    /* Fills `records` (64-byte aligned) with up to `room` records and sets `*count`. As few as one per
     * call is fine: the engine goes on calling until it has a batch. No record at all hands over what
     * is there, and asks again: a source that would wait long may say that. Records of bytes have
     * `records` NULL and `room` 0. */
    int (*fill)(void *user, void *records, size_t room, size_t *count, trommel_call *call);
    void *user;
    void (*drop)(void *user);
} trommel_source;

int trommel_pipeline_source(trommel_pipeline *pipeline, const trommel_source *source,
                            trommel_error **error);
/* A source of bytes: adds a record, which is copied. */
int trommel_call_push(trommel_call *call, const void *data, size_t length);

typedef enum trommel_kind {
    TROMMEL_NULL = 0,
    TROMMEL_INTEGER = 1,
    TROMMEL_REAL = 2,
    TROMMEL_TEXT = 3, /* UTF-8 */
    TROMMEL_BLOB = 4
} trommel_kind;

/* A value of a row with columns; 16 bytes. */
typedef struct trommel_value {
    uint32_t kind;   /* a trommel_kind */
    uint32_t length; /* bytes at `data` */
    union {
        int64_t integer;
        double real;
        const char *data;
    } as;
} trommel_value;

typedef enum trommel_verdict {
    TROMMEL_KEEP = 0,   /* the row's output record where output_size is set, else the row itself */
    TROMMEL_FILTER = 1, /* nothing */
    TROMMEL_REJECT = 2, /* the row is bad; trommel_call_reject also says why */
    TROMMEL_WRITTEN = 3 /* what was emitted for the row; set by trommel_call_emit and the like */
} trommel_verdict;

/* A batch as the transform sees it. */
typedef struct trommel_batch {
    uint32_t size;
    uint32_t columns; /* values in a row, when rows have columns */
    /* Row i begins at `records + i * stride` and may be changed in place: a record of the source, or
     * `columns` values (texts put into them must outlive the run, or come from
     * trommel_call_reserve). Records of bytes: stride 0, row i is records[ends[i - 1] .. ends[i]]. */
    void *records;
    size_t count;
    size_t stride;
    uint8_t *verdicts; /* one for each row, all TROMMEL_KEEP */
    void *output;      /* room for `count` records of output_size bytes, or NULL */
    size_t output_stride;
    const size_t *ends;
} trommel_batch;

typedef struct trommel_transform {
    uint32_t size;
    uint32_t output_size; /* bytes of the record that each row kept becomes; 0: it stays itself */
    int (*apply)(void *user, trommel_batch *batch, trommel_call *call);
    void *user;
    void (*drop)(void *user);
} trommel_transform;

int trommel_pipeline_transform(trommel_pipeline *pipeline, const trommel_transform *transform,
                               trommel_error **error);
/* The output of a transform, for rows in rising order, any number per row; all is copied. */
int trommel_call_emit(trommel_call *call, size_t row, const void *data, size_t length);
int trommel_call_emit_values(trommel_call *call, size_t row, const trommel_value *values,
                             size_t count);
/* The same without the copy: room of the engine's, 16-byte aligned and zeroed, then how much of it is
 * the row's. NULL when there is none. */
void *trommel_call_reserve(trommel_call *call, size_t length);
int trommel_call_commit(trommel_call *call, size_t row, size_t length);
/* Rejects a row, saying why. */
int trommel_call_reject(trommel_call *call, size_t row, const char *reason);

/* What a sink is given: `count` records of record_size bytes (64-byte aligned), or of bytes: stride 0,
 * record i is records[ends[i - 1] .. ends[i]]. */
typedef struct trommel_page {
    uint32_t size;
    uint32_t reserved;
    const void *records;
    size_t count;
    size_t stride;
    const size_t *ends;
} trommel_page;

typedef struct trommel_sink {
    uint32_t size;
    uint32_t record_size; /* bytes of a record; 0: records of bytes */
    int (*write)(void *user, const trommel_page *page, trommel_call *call);
    int (*commit)(void *user, trommel_call *call); /* after each batch; may be NULL, as those below */
    int (*finish)(void *user, trommel_call *call); /* once, after success */
    int (*abort)(void *user, trommel_call *call);  /* once, after a failure: takes all back */
    void *user;
    void (*drop)(void *user);
} trommel_sink;

int trommel_pipeline_sink(trommel_pipeline *pipeline, const trommel_sink *sink,
                          trommel_error **error);

#ifdef __cplusplus
}
#endif

#endif /* TROMMEL_H */
