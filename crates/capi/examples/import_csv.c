/* Imports a CSV file into an SQLite table: import_csv INPUT.csv OUTPUT.db TABLE. */
#include <stdio.h>
#include <trommel.h>

int main(int argc, char **argv) {
    trommel_engine *engine = NULL;
    trommel_pipeline *import = NULL;
    trommel_error *error = NULL;
    trommel_report report = {.size = sizeof report};
    if (argc != 4) return fprintf(stderr, "import_csv INPUT.csv OUTPUT.db TABLE\n"), 2;
    int failed = trommel_engine_new(NULL, &engine, &error) ||
                 trommel_pipeline_new(engine, &import, &error) ||
                 trommel_pipeline_from(import, "csv:", &error) ||
                 trommel_pipeline_set(import, "source.path", argv[1], &error) ||
                 trommel_pipeline_into(import, "sqlite:", &error) ||
                 trommel_pipeline_set(import, "sink.path", argv[2], &error) ||
                 trommel_pipeline_set(import, "sink.table", argv[3], &error) ||
                 trommel_pipeline_run(import, &report, &error);
    if (failed) fprintf(stderr, "import_csv: %s\n", trommel_error_text(error));
    else printf("%llu rows\n", (unsigned long long)report.loaded);
    trommel_error_free(error);
    trommel_pipeline_free(import);
    trommel_engine_free(engine);
    return failed;
}
