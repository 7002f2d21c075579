/* Faults that the memory checkers must find: none of them is in the library. */
#include "contract.h"

/* Writes behind what it has allocated, within a callback. */
static int overrun(void *user, trommel_batch *batch, trommel_call *call) {
    (void)user;
    (void)call;
    char *row = malloc(8);
    for (volatile size_t i = 0; i <= 8; i++) row[i] = (char)batch->count;
    free(row);
    return 0;
}

static void outside(void) {
    trommel_engine *engine = engine_of(1);
    plan p = {.rows = 10};
    trommel_pipeline *pipeline = pipeline_of(engine, &p);
    trommel_transform transform = {.size = sizeof transform, .apply = overrun};
    IS(0, trommel_pipeline_transform(pipeline, &transform, NULL));
    IS(0, trommel_pipeline_run(pipeline, NULL, NULL));
    IS(0, trommel_pipeline_free(pipeline));
    IS(0, trommel_engine_free(engine));
}

/* Within the library: reads an error that was freed. */
static void inside(void) {
    trommel_error *error = NULL;
    IS(TROMMEL_STATUS_NULL, trommel_engine_new(NULL, NULL, &error));
    IS(0, trommel_error_free(error));
    printf("%d\n", trommel_error_status(error));
}

/* Looks at a value that nobody has set. */
static void unset(void) {
    void *volatile place = malloc(8); /* volatile: the compiler would see it, too */
    const char *byte = place;
    if (byte[3]) puts("set");
    free(place);
}

/* Undefined behaviour of the C side. */
static void undefined(void) {
    volatile int most = INT32_MAX;
    printf("%d\n", most + 1);
}

CASES({"outside", outside}, {"inside", inside}, {"unset", unset}, {"undefined", undefined})
