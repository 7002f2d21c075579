// Preloaded into a victim. It works in two ways, each switched on by a variable:
//
// TROMMEL_FAULT is CALL:NTH:ERRNO:STICKY: the n-th call of one function on a file of the destination
// fails, and all later ones if so told, or writes only a half of what it was given. CALL is one of
// read, write, sync, open, close, rename, truncate, unlink, mkdir; ERRNO 0 means a short write. Only
// files whose path contains "/out", and the job's own folder, are touched. Each fault adds a line to
// the file that TROMMEL_LEDGER names.
//
// CALL may also be alloc, any function that gives memory, of any size, or thread, which starts one.
// They are counted from when the process opens its ledger to say that it begins with the job; what
// comes before is not the job's, and the same in every run.
//
// TROMMEL_SHADOW names a folder that gets a copy of what a loss of power would leave: at each fsync
// of a file its content, at each fsync of a folder its names, under their inode's number. What was
// never synced is not there.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static char wanted[16];
static int nth, error, sticky, seen, has_begun;
static char shadow[256], job[4096];

__attribute__((constructor)) static void configure(void) {
    const char *plan = getenv("TROMMEL_FAULT");
    if (plan == NULL || sscanf(plan, "%15[a-z]:%d:%d:%d", wanted, &nth, &error, &sticky) != 4)
        wanted[0] = 0;
    if (wanted[0] != 0) {
        // A run that hangs ends all the same, and one that aborts leaves nothing in the job's folder.
        alarm(60);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    }
    const char *copies = getenv("TROMMEL_SHADOW");
    snprintf(shadow, sizeof shadow, "%s", copies == NULL ? "" : copies);
    if (getcwd(job, sizeof job) == NULL)
        job[0] = 0;
}

// Whether this call is the one, or one after it. Allocates nothing.
static int is_nth(const char *call) {
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

static int fails(const char *call, const char *path) {
    if (strcmp(call, wanted) != 0 || (strstr(path, "/out") == NULL && strcmp(path, job) != 0))
        return 0;
    return is_nth(call);
}

static void path_of(int fd, char path[4096]) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    path[length < 0 ? 0 : length] = 0;
}

static int fd_fails(const char *call, int fd) {
    char path[4096];
    if (strcmp(call, wanted) != 0)
        return 0;
    path_of(fd, path);
    return fails(call, path);
}

// A path as the kernel would see it, as far as the search for "/out" goes.
static int path_fails(const char *call, const char *path) {
    char rooted[4096];
    snprintf(rooted, sizeof rooted, "/%s", path);
    return fails(call, rooted);
}

// Calls of the shim's own go around its wrappers.
static void copy_names(int fd, int copy) {
    DIR *names = fdopendir(syscall(SYS_openat, fd, ".", O_RDONLY | O_DIRECTORY));
    for (struct dirent *entry; names != NULL && (entry = readdir(names)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            dprintf(copy, "%ju %s\n", (uintmax_t)entry->d_ino, entry->d_name);
    if (names != NULL)
        closedir(names);
}

static void copy_content(int fd, int copy) {
    char link[32], data[1 << 14];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int from = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY);
    for (ssize_t count; (count = syscall(SYS_read, from, data, sizeof data)) > 0;)
        syscall(SYS_write, copy, data, count);
    syscall(SYS_close, from);
}

// Before the call itself, so that nothing counts that came later. As a whole or not at all, since
// another thread may kill the process meanwhile.
static void keep(int fd) {
    char path[4096], made[352], final[320];
    struct stat about;
    if (shadow[0] == 0 || fstat(fd, &about) != 0)
        return;
    path_of(fd, path);
    if (strncmp(path, job, strlen(job)) != 0)
        return;
    snprintf(final, sizeof final, "%s/%ju", shadow, (uintmax_t)about.st_ino);
    snprintf(made, sizeof made, "%s.%ld", final, (long)syscall(SYS_gettid));
    int copy = syscall(SYS_openat, AT_FDCWD, made, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (S_ISDIR(about.st_mode))
        copy_names(fd, copy);
    else
        copy_content(fd, copy);
    syscall(SYS_close, copy);
    syscall(SYS_renameat, AT_FDCWD, made, AT_FDCWD, final);
}

// A file that has just been made has no copy, even where it got the number of one that is gone.
static void forget(int fd) {
    char final[320];
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0)
        return;
    snprintf(final, sizeof final, "%s/%ju", shadow, (uintmax_t)about.st_ino);
    syscall(SYS_unlinkat, AT_FDCWD, final, 0);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITE(name, ...)         \
    if (fd_fails("write", fd)) { \
        if (error != 0) {        \
            errno = error;       \
            return -1;           \
        }                        \
        count -= count / 2;      \
    }                            \
    return REAL(name)(fd, data, count, ##__VA_ARGS__)
#define FAIL(condition) \
    if (condition) {    \
        errno = error;  \
        return -1;      \
    }

ssize_t write(int fd, const void *data, size_t count) { WRITE(write); }
ssize_t pwrite(int fd, const void *data, size_t count, off_t at) { WRITE(pwrite, at); }
ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at) { WRITE(pwrite64, at); }

#define READ(name, ...)         \
    FAIL(fd_fails("read", fd)); \
    return REAL(name)(fd, data, count, ##__VA_ARGS__)

ssize_t read(int fd, void *data, size_t count) { READ(read); }
ssize_t pread(int fd, void *data, size_t count, off_t at) { READ(pread, at); }
ssize_t pread64(int fd, void *data, size_t count, off64_t at) { READ(pread64, at); }

int fsync(int fd) {
    FAIL(fd_fails("sync", fd));
    keep(fd);
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    FAIL(fd_fails("sync", fd));
    keep(fd);
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

int unlink(const char *path) {
    FAIL(path_fails("unlink", path));
    return REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode) {
    FAIL(path_fails("mkdir", path));
    return REAL(mkdir)(path, mode);
}

// The file is closed all the same.
int close(int fd) {
    int failed = fd_fails("close", fd);
    int result = REAL(close)(fd);
    FAIL(failed);
    return result;
}

static void begin(const char *path) {
    const char *ledger = getenv("TROMMEL_LEDGER");
    if (ledger != NULL && strcmp(path, ledger) == 0)
        __atomic_store_n(&has_begun, 1, __ATOMIC_RELAXED);
}

#define OPEN(name)                                                             \
    mode_t mode = 0;                                                           \
    if (flags & (O_CREAT | O_TMPFILE)) {                                       \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        mode = va_arg(rest, mode_t);                                           \
        va_end(rest);                                                          \
    }                                                                          \
    FAIL(path_fails("open", path));                                            \
    begin(path);                                                               \
    int made = shadow[0] != 0 && (flags & O_CREAT) && access(path, F_OK) != 0; \
    int opened = REAL(name)(path, flags, mode);                                \
    if (made)                                                                  \
        forget(opened);                                                        \
    return opened

int open(const char *path, int flags, ...) { OPEN(open); }
int open64(const char *path, int flags, ...) { OPEN(open64); }

// glibc's own names for what is wrapped: to ask dlsym for it would allocate.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static int process_fails(const char *call) {
    return __atomic_load_n(&has_begun, __ATOMIC_RELAXED) && strcmp(call, wanted) == 0 && is_nth(call);
}

static int has_no_memory(void) {
    if (!process_fails("alloc"))
        return 0;
    errno = error;
    return 1;
}

void *malloc(size_t size) { return has_no_memory() ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) {
    return has_no_memory() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) { return has_no_memory() ? NULL : __libc_realloc(old, size); }

void *aligned_alloc(size_t alignment, size_t size) {
    return has_no_memory() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
    void *memory = has_no_memory() ? NULL : __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *place = memory;
    return 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
    if (process_fails("thread"))
        return error;
    return REAL(pthread_create)(thread, how, run, with);
}
