/* dlopen, a run, dlclose, over and over: unload LIBRARY.
 *
 * What it shows is that a process which does so lives on, not that the code is gone: the library has
 * thread-local destructors, for which the loader keeps it until the threads that used it have ended. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trommel.h>

static void *find(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "unload: %s\n", dlerror());
        exit(1);
    }
    return found;
}

/* A function pointer from an object pointer, as POSIX has it. */
#define FIND(name) *(void **)&name##_ = find(library, #name)

static int fill(void *user, void *records, size_t room, size_t *count, trommel_call *call) {
    size_t *left = user;
    (void)call;
    *count = *left < room ? *left : room;
    memset(records, 1, *count * 8);
    *left -= *count;
    return *left ? TROMMEL_STATUS_OK : TROMMEL_STATUS_END;
}

static int take(void *user, const trommel_page *page, trommel_call *call) {
    (void)call;
    *(size_t *)user += page->count;
    return 0;
}

static int is_mapped(void) {
    char line[1024];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "libtrommel") != NULL;
    if (maps) fclose(maps);
    return found;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int unmapped = 0;
    for (int cycle = 0; cycle < 20; cycle++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "unload: %s\n", dlerror());
            return 1;
        }
        uint32_t (*trommel_abi_version_)(void);
        int (*trommel_engine_new_)(const trommel_engine_options *, trommel_engine **, trommel_error **);
        int (*trommel_engine_free_)(trommel_engine *);
        int (*trommel_pipeline_new_)(trommel_engine *, trommel_pipeline **, trommel_error **);
        int (*trommel_pipeline_source_)(trommel_pipeline *, const trommel_source *, trommel_error **);
        int (*trommel_pipeline_sink_)(trommel_pipeline *, const trommel_sink *, trommel_error **);
        int (*trommel_pipeline_run_)(trommel_pipeline *, trommel_report *, trommel_error **);
        int (*trommel_pipeline_free_)(trommel_pipeline *);
        FIND(trommel_abi_version);
        FIND(trommel_engine_new);
        FIND(trommel_engine_free);
        FIND(trommel_pipeline_new);
        FIND(trommel_pipeline_source);
        FIND(trommel_pipeline_sink);
        FIND(trommel_pipeline_run);
        FIND(trommel_pipeline_free);
        trommel_engine *engine = NULL;
        trommel_pipeline *pipeline = NULL;
        size_t left = 20000, taken = 0;
        trommel_source source = {.size = sizeof source, .record_size = 8, .fill = fill, .user = &left};
        trommel_sink sink = {.size = sizeof sink, .record_size = 8, .write = take, .user = &taken};
        if (trommel_abi_version_() != TROMMEL_ABI_VERSION || trommel_engine_new_(NULL, &engine, NULL) ||
            trommel_pipeline_new_(engine, &pipeline, NULL) ||
            trommel_pipeline_source_(pipeline, &source, NULL) ||
            trommel_pipeline_sink_(pipeline, &sink, NULL) ||
            trommel_pipeline_run_(pipeline, NULL, NULL) || taken != 20000 ||
            trommel_pipeline_free_(pipeline) || trommel_engine_free_(engine) || dlclose(library)) {
            fprintf(stderr, "unload: cycle %d failed\n", cycle);
            return 1;
        }
        unmapped += !is_mapped();
    }
    printf("20 cycles of dlopen and dlclose, unmapped after %d\n", unmapped);
    return 0;
}
