/* Loads what one URL names into another:
 *
 *     convert FROM INTO [OPTION]...
 *
 *     COLUMN[=NAME[:TYPE]]   reads a column, and calls it NAME; all columns without any
 *     --source.KEY=VALUE     a setting of the source, as it is; --sink.KEY=VALUE likewise
 *     --job=NAME             goes on where an earlier run of this job was cut off
 *     --skip=N               passes over up to N bad rows
 *     --rejects=FILE         writes bad rows into a file; --rejects-with-data: the sink keeps them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trommel.h>

/* Does what one argument says; a status. */
static int apply(trommel_pipeline *pipeline, trommel_options *options, char *argument,
                 trommel_error **error) {
    char *value = strchr(argument, '=');
    if (value) *value++ = 0;
    if (argument[0] != '-') {
        char *type = value ? strchr(value, ':') : NULL;
        if (type) *type++ = 0;
        return trommel_pipeline_column(pipeline, argument, value, type, error);
    }
    if (!strcmp(argument, "--rejects-with-data")) {
        options->on_reject = TROMMEL_REJECT_WITH_DATA;
    } else if (value && !strcmp(argument, "--job")) {
        return trommel_pipeline_resumable(pipeline, value, error);
    } else if (value && !strcmp(argument, "--skip")) {
        options->on_reject = TROMMEL_REJECT_SKIP;
        options->max_rejects = strtoull(value, NULL, 10);
    } else if (value && !strcmp(argument, "--rejects")) {
        options->on_reject = TROMMEL_REJECT_FILE;
        options->reject_file = value;
    } else if (value) {
        return trommel_pipeline_set(pipeline, argument + 2, value, error);
    } else {
        fprintf(stderr, "convert: %s is not understood\n", argument);
        return TROMMEL_STATUS_ARGUMENT;
    }
    return TROMMEL_STATUS_OK;
}

int main(int argc, char **argv) {
    trommel_engine *engine = NULL;
    trommel_pipeline *pipeline = NULL;
    trommel_error *error = NULL;
    trommel_options options = {.size = sizeof options};
    trommel_report report = {.size = sizeof report};
    if (argc < 3) {
        fprintf(stderr, "usage: convert FROM INTO [OPTION]...\nbuilt in: %s\n", trommel_features());
        return 2;
    }
    int failed = trommel_engine_new(NULL, &engine, &error) ||
                 trommel_pipeline_new(engine, &pipeline, &error) ||
                 trommel_pipeline_from(pipeline, argv[1], &error) ||
                 trommel_pipeline_into(pipeline, argv[2], &error);
    for (int i = 3; i < argc && !failed; i++) failed = apply(pipeline, &options, argv[i], &error);
    failed = failed || trommel_pipeline_options(pipeline, &options, &error) ||
             trommel_pipeline_run(pipeline, &report, &error);
    if (failed) {
        fprintf(stderr, "convert: %s\n", error ? trommel_error_text(error) : "");
    } else {
        printf("%llu read, %llu loaded, %llu rejected\n", (unsigned long long)report.read,
               (unsigned long long)report.loaded, (unsigned long long)report.rejected);
    }
    trommel_error_free(error);
    trommel_pipeline_free(pipeline);
    trommel_engine_free(engine);
    return failed != 0;
}
