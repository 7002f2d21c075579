/* trommel_arrow.h: Arrow C streams in and out of a pipeline, for libraries built with the feature
 * `arrow` (trommel_features says so). The structs are those of the Arrow C data and stream interfaces,
 * so that pyarrow, DuckDB, nanoarrow and R can be at the other end; no data is copied on the way.
 */
#ifndef TROMMEL_ARROW_H
#define TROMMEL_ARROW_H

#include <trommel.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* Reads from a stream of record batches. On success the stream is the pipeline's: `release` in `stream`
 * is NULL then. It is pulled on the thread that runs the pipeline. For a sink with columns, and for a
 * transform, rows become trommel_values: whole numbers, floats, booleans, texts and bytes. */
int trommel_pipeline_from_arrow(trommel_pipeline *pipeline, struct ArrowArrayStream *stream,
                                trommel_error **error);

/* Starts a pipeline that reads from Arrow and has no sink, and puts what comes out of it into `stream`,
 * for the caller to pull and to release: whole batches, and of those whose rows were filtered or
 * rejected by a transform the stretches that are left. Values changed by a transform do not go into the
 * stream; its verdicts do. Released before its end, the stream cancels the run. An error of the run is
 * the stream's last error, and trommel_pipeline_report tells the rest once it has ended. The pipeline is
 * freed after the stream. */
int trommel_pipeline_stream(trommel_pipeline *pipeline, struct ArrowArrayStream *stream,
                            trommel_error **error);

#ifdef __cplusplus
}
#endif

#endif /* TROMMEL_ARROW_H */
