// Preloaded into a victim: the n-th call of one function on a file of the destination fails, and all
// later ones if so told, or writes only a half of what it was given.
//
// TROMMEL_FAULT is CALL:NTH:ERRNO:STICKY, CALL one of write, sync, open, rename, truncate; ERRNO 0
// means a short write. Only files whose path contains "/out" are touched. Each fault adds a line to
// the file that TROMMEL_LEDGER names.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static char wanted[16];
static int nth, error, sticky, seen;

__attribute__((constructor)) static void configure(void) {
    const char *plan = getenv("TROMMEL_FAULT");
    if (plan == NULL || sscanf(plan, "%15[a-z]:%d:%d:%d", wanted, &nth, &error, &sticky) != 4)
        wanted[0] = 0;
}

static int fails(const char *call, const char *path) {
    if (strcmp(call, wanted) != 0 || strstr(path, "/out") == NULL)
        return 0;
    int visit = __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
    if (sticky ? visit < nth : visit != nth)
        return 0;
    const char *ledger = getenv("TROMMEL_LEDGER");
    int file = syscall(SYS_openat, AT_FDCWD, ledger, O_WRONLY | O_APPEND | O_CREAT, 0644);
    char line[32];
    int length = snprintf(line, sizeof line, "fault %s\n", call);
    syscall(SYS_write, file, line, length);
    syscall(SYS_close, file);
    return 1;
}

static int fd_fails(const char *call, int fd) {
    char link[32], path[4096];
    if (strcmp(call, wanted) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return fails(call, path);
}

// A path as the kernel would see it, as far as the search for "/out" goes.
static int path_fails(const char *call, const char *path) {
    char rooted[4096];
    snprintf(rooted, sizeof rooted, "/%s", path);
    return fails(call, rooted);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITE(name, ...)                                   \
    if (fd_fails("write", fd)) {                           \
        if (error != 0) {                                  \
            errno = error;                                 \
            return -1;                                     \
        }                                                  \
        count -= count / 2;                                \
    }                                                      \
    return REAL(name)(fd, data, count, ##__VA_ARGS__)
#define FAIL(condition)  \
    if (condition) {     \
        errno = error;   \
        return -1;       \
    }

ssize_t write(int fd, const void *data, size_t count) { WRITE(write); }
ssize_t pwrite(int fd, const void *data, size_t count, off_t at) { WRITE(pwrite, at); }
ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at) { WRITE(pwrite64, at); }

int fsync(int fd) {
    FAIL(fd_fails("sync", fd));
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    FAIL(fd_fails("sync", fd));
    return REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t length) {
    FAIL(fd_fails("truncate", fd));
    return REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    FAIL(fd_fails("truncate", fd));
    return REAL(ftruncate64)(fd, length);
}

int rename(const char *from, const char *to) {
    FAIL(path_fails("rename", to));
    return REAL(rename)(from, to);
}

#define OPEN(name)                                  \
    mode_t mode = 0;                                \
    if (flags & (O_CREAT | O_TMPFILE)) {            \
        va_list rest;                               \
        va_start(rest, flags);                      \
        mode = va_arg(rest, mode_t);                \
        va_end(rest);                               \
    }                                               \
    FAIL(path_fails("open", path));                 \
    return REAL(name)(path, flags, mode)

int open(const char *path, int flags, ...) { OPEN(open); }
int open64(const char *path, int flags, ...) { OPEN(open64); }
