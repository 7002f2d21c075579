// trommel.hpp: trommel.h for C++17, header-only.
//
// Handles free themselves, failures are thrown as trommel::error, and callbacks are lambdas. An
// exception that leaves a lambda ends the run; `run` and `wait` then throw that very exception on the
// caller's side. No exception crosses the C boundary.
#ifndef TROMMEL_HPP
#define TROMMEL_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <trommel.h>
#include <type_traits>
#include <utility>

namespace trommel {

// Why a function failed.
class error : public std::runtime_error {
public:
    // Takes the object over.
    error(int status, trommel_error *given)
        : std::runtime_error(given ? trommel_error_text(given) : "trommel: a call failed"),
          status_(status), given_(given, trommel_error_free) {}

    int status() const noexcept { return status_; }
    bool cancelled() const noexcept { return status_ == TROMMEL_STATUS_CANCELLED; }
    // All that is known; the texts live as long as this error.
    trommel_error_info info() const noexcept {
        trommel_error_info info{};
        info.size = sizeof info;
        trommel_error_info_get(given_.get(), &info);
        return info;
    }

private:
    int status_;
    std::shared_ptr<trommel_error> given_;
};

// What a callback can say and ask while it runs: the last parameter of a lambda that wants it.
class call {
public:
    explicit call(trommel_call *raw) noexcept : raw_(raw) {}

    // The run ends; the lambda finishes its work as usual.
    void cancel() const noexcept { trommel_call_cancel(raw_); }
    // A source that waits should look.
    bool is_cancelled() const noexcept { return trommel_call_is_cancelled(raw_) != 0; }
    trommel_call *raw() const noexcept { return raw_; }

private:
    trommel_call *raw_;
};

namespace detail {

inline void check(int status, trommel_error *given) {
    if (status != TROMMEL_STATUS_OK) throw error(status, given);
}

// The first exception that left a callback.
struct caught {
    std::mutex lock;
    std::exception_ptr first;

    void keep() noexcept {
        const std::lock_guard<std::mutex> guard(lock);
        if (!first) first = std::current_exception();
    }
    std::exception_ptr take() noexcept {
        const std::lock_guard<std::mutex> guard(lock);
        return std::exchange(first, nullptr);
    }
};

// Hands the call over to a callable that takes it behind the arguments.
template <class F, class... A> decltype(auto) with_call(F &function, call now, A... arguments) {
    if constexpr (std::is_invocable<F &, A..., call>::value) {
        return function(arguments..., now);
    } else {
        return function(arguments...);
    }
}

// A callable and where its exceptions go.
template <class F> struct callback {
    F function;
    std::shared_ptr<caught> exceptions;

    static void drop(void *user) noexcept { delete static_cast<callback *>(user); }

    // Calls within the shield. `now` is NULL where there is no call, which refuses the message.
    template <class... A> static int shielded(void *user, trommel_call *now, A &&...arguments) noexcept {
        auto *self = static_cast<callback *>(user);
        try {
            return self->function(std::forward<A>(arguments)...);
        } catch (const std::exception &exception) {
            self->exceptions->keep();
            trommel_call_fail(now, exception.what());
        } catch (...) {
            self->exceptions->keep();
            trommel_call_fail(now, "a C++ exception that is no std::exception");
        }
        return TROMMEL_STATUS_CALLBACK;
    }
};

} // namespace detail

class engine {
public:
    // `workers` threads; 0: the cores available.
    explicit engine(std::uint32_t workers = 0) {
        trommel_engine_options options{};
        options.size = sizeof options;
        options.workers = workers;
        trommel_engine *made = nullptr;
        trommel_error *failure = nullptr;
        const int status = trommel_engine_new(&options, &made, &failure);
        detail::check(status, failure);
        handle_.reset(made);
    }

    std::uint32_t workers() const noexcept { return trommel_engine_workers(handle_.get()); }
    trommel_engine *get() const noexcept { return handle_.get(); }

private:
    struct freer {
        void operator()(trommel_engine *engine) const noexcept { trommel_engine_free(engine); }
    };
    std::unique_ptr<trommel_engine, freer> handle_;
};

// Rows as a transform sees them, of records of type T.
template <class T> class batch {
public:
    batch(trommel_batch *raw, trommel_call *call) noexcept : raw_(raw), call_(call) {}

    std::size_t size() const noexcept { return raw_->count; }
    T &operator[](std::size_t row) const noexcept { return static_cast<T *>(raw_->records)[row]; }
    T *begin() const noexcept { return static_cast<T *>(raw_->records); }
    T *end() const noexcept { return begin() + size(); }
    template <class O> O *output() const noexcept { return static_cast<O *>(raw_->output); }
    void filter(std::size_t row) const noexcept { raw_->verdicts[row] = TROMMEL_FILTER; }
    void reject(std::size_t row, const std::string &why) const noexcept {
        trommel_call_reject(call_, row, why.c_str());
    }
    void emit(std::size_t row, std::string_view bytes) const {
        detail::check(trommel_call_emit(call_, row, bytes.data(), bytes.size()), nullptr);
    }
    void emit(std::size_t row, const trommel_value *values, std::size_t count) const {
        detail::check(trommel_call_emit_values(call_, row, values, count), nullptr);
    }
    void cancel() const noexcept { trommel_call_cancel(call_); }
    trommel_batch *raw() const noexcept { return raw_; }
    trommel_call *call() const noexcept { return call_; }

private:
    trommel_batch *raw_;
    trommel_call *call_;
};

// A pipeline; runs once. The engine must outlive it.
class pipeline {
public:
    explicit pipeline(const engine &on) : exceptions_(std::make_shared<detail::caught>()) {
        trommel_pipeline *made = nullptr;
        trommel_error *failure = nullptr;
        const int status = trommel_pipeline_new(on.get(), &made, &failure);
        detail::check(status, failure);
        handle_.reset(made);
    }

    pipeline &name(const std::string &name) { return with(trommel_pipeline_name, name.c_str()); }
    pipeline &from(const std::string &url) { return with(trommel_pipeline_from, url.c_str()); }
    pipeline &into(const std::string &url) { return with(trommel_pipeline_into, url.c_str()); }
    pipeline &set(const std::string &key, const std::string &value) {
        return with(trommel_pipeline_set, key.c_str(), value.c_str());
    }
    pipeline &column(const std::string &from, const std::string &to, const std::string &type = "") {
        return with(trommel_pipeline_column, from.c_str(), to.c_str(), type.c_str());
    }
    pipeline &output(const std::string &to, const std::string &type = "TEXT") {
        return with(trommel_pipeline_output, to.c_str(), type.c_str());
    }
    pipeline &resumable(const std::string &job) { return with(trommel_pipeline_resumable, job.c_str()); }
    pipeline &options(trommel_options options) {
        options.size = sizeof options;
        return with(trommel_pipeline_options, &options);
    }

    // fill(T *records, size_t room[, call]) -> size_t: fewer than one is the end.
    template <class T, class F> pipeline &source(F fill, std::uint64_t rows = 0) {
        static_assert(std::is_trivially_copyable<T>::value, "records are copied as bytes");
        trommel_source spec{};
        spec.size = sizeof spec;
        spec.record_size = sizeof(T);
        spec.rows = rows;
        auto function = [fill = std::move(fill)](void *records, size_t room, size_t *count, call now) mutable {
            *count = detail::with_call(fill, now, static_cast<T *>(records), room);
            return *count > 0 ? TROMMEL_STATUS_OK : TROMMEL_STATUS_END;
        };
        using shield = detail::callback<decltype(function)>;
        spec.fill = [](void *user, void *records, size_t room, size_t *count, trommel_call *now) {
            return shield::shielded(user, now, records, room, count, call(now));
        };
        return hand_over<shield>(trommel_pipeline_source, spec, std::move(function));
    }

    // apply(batch<T>): several at once, on the workers. Out: what each row kept becomes, or void.
    template <class T, class Out = void, class F> pipeline &transform(F apply) {
        trommel_transform spec{};
        spec.size = sizeof spec;
        if constexpr (!std::is_void<Out>::value) spec.output_size = sizeof(Out);
        auto function = [apply = std::move(apply)](trommel_batch *raw, trommel_call *now) {
            apply(batch<T>(raw, now));
            return TROMMEL_STATUS_OK;
        };
        using shield = detail::callback<decltype(function)>;
        spec.apply = [](void *user, trommel_batch *raw, trommel_call *now) {
            return shield::shielded(user, now, raw, now);
        };
        return hand_over<shield>(trommel_pipeline_transform, spec, std::move(function));
    }

    // write(const T *records, size_t count[, call]), on the thread that runs.
    template <class T, class F> pipeline &sink(F write) {
        trommel_sink spec{};
        spec.size = sizeof spec;
        spec.record_size = sizeof(T);
        auto function = [write = std::move(write)](const trommel_page *page, call now) mutable {
            detail::with_call(write, now, static_cast<const T *>(page->records), page->count);
            return TROMMEL_STATUS_OK;
        };
        using shield = detail::callback<decltype(function)>;
        spec.write = [](void *user, const trommel_page *page, trommel_call *now) {
            return shield::shielded(user, now, page, call(now));
        };
        return hand_over<shield>(trommel_pipeline_sink, spec, std::move(function));
    }

    // tell(const trommel_progress &) -> bool, about ten times a second on a thread of its own: false
    // cancels the run, as does an exception.
    template <class F> pipeline &on_progress(F tell) {
        auto function = [tell = std::move(tell)](const trommel_progress *now) mutable {
            return tell(*now) ? TROMMEL_STATUS_OK : TROMMEL_STATUS_CANCELLED;
        };
        using shield = detail::callback<decltype(function)>;
        auto user = std::unique_ptr<shield>(new shield{std::move(function), exceptions_});
        with(
            trommel_pipeline_on_progress,
            [](void *told, const trommel_progress *now) { return shield::shielded(told, nullptr, now); },
            user.get(), [](void *dropped) { shield::drop(dropped); });
        user.release(); // the pipeline's from here on
        return *this;
    }

    // Runs on this thread.
    trommel_report run() { return end(trommel_pipeline_run); }
    // Runs on a thread of its own.
    void start() {
        trommel_error *failure = nullptr;
        const int status = trommel_pipeline_start(handle_.get(), &failure);
        detail::check(status, failure);
    }
    trommel_report wait() { return end(trommel_pipeline_wait); }
    void cancel() noexcept { trommel_pipeline_cancel(handle_.get()); }
    bool is_finished() const noexcept { return trommel_pipeline_is_finished(handle_.get()) != 0; }
    trommel_progress progress() const noexcept {
        trommel_progress now{};
        now.size = sizeof now;
        trommel_pipeline_progress(handle_.get(), &now);
        return now;
    }
    // Of a run that has ended, however it did.
    trommel_report report() const noexcept {
        trommel_report report{};
        report.size = sizeof report;
        trommel_pipeline_report(handle_.get(), &report);
        return report;
    }
    std::string report_json() const {
        const char *json = trommel_pipeline_report_json(handle_.get());
        return json ? json : "";
    }
    trommel_pipeline *get() const noexcept { return handle_.get(); }

private:
    struct freer {
        void operator()(trommel_pipeline *pipeline) const noexcept { trommel_pipeline_free(pipeline); }
    };

    template <class... P, class... A> pipeline &with(int (*change)(trommel_pipeline *, P...), A... arguments) {
        trommel_error *failure = nullptr;
        // The last parameter of each is the error.
        const int status = change(handle_.get(), arguments..., &failure);
        detail::check(status, failure);
        return *this;
    }

    template <class S, class Spec, class F>
    pipeline &hand_over(int (*take)(trommel_pipeline *, const Spec *, trommel_error **), Spec &spec, F function) {
        auto user = std::unique_ptr<S>(new S{std::move(function), exceptions_});
        spec.user = user.get();
        spec.drop = [](void *dropped) { S::drop(dropped); };
        with(take, &spec);
        user.release(); // the pipeline's from here on
        return *this;
    }

    trommel_report end(int (*ending)(trommel_pipeline *, trommel_report *, trommel_error **)) {
        trommel_report report{};
        report.size = sizeof report;
        trommel_error *failure = nullptr;
        const int status = ending(handle_.get(), &report, &failure);
        if (auto exception = exceptions_->take()) {
            trommel_error_free(failure);
            std::rethrow_exception(exception);
        }
        detail::check(status, failure);
        return report;
    }

    std::shared_ptr<detail::caught> exceptions_;
    std::unique_ptr<trommel_pipeline, freer> handle_;
};

} // namespace trommel

#endif // TROMMEL_HPP
