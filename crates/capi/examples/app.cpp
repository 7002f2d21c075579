// An importer as an app has it: a window's thread that stays free, a progress bar, a cancel button.
// The "window" is the terminal; Ctrl-C is the button:
//
//     app INPUT.csv OUTPUT.db TABLE [COLUMN=TYPE...]
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <trommel.hpp>

namespace {

std::atomic<bool> wants_cancel{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

void draw(const trommel_progress &now) {
    constexpr int width = 40;
    const double done = now.fraction < 0 ? 0 : now.fraction;
    std::fprintf(stderr, "\r[%-*s] %3.0f %%  %llu rows  %.0f/s", width,
                 std::string(static_cast<std::size_t>(done * width), '#').c_str(), done * 100,
                 static_cast<unsigned long long>(now.rows), now.rows_per_second);
}

int import(int argc, char **argv) {
    trommel::engine engine;
    trommel::pipeline job(engine);
    trommel_options options{};
    options.on_reject = TROMMEL_REJECT_SKIP;
    options.tier = TROMMEL_TIER_DATABASE;
    job.name("import").options(options);
    job.from("csv:").set("source.path", argv[1]);
    job.into("sqlite:").set("sink.path", argv[2]).set("sink.table", argv[3]);
    for (int i = 4; i < argc; i++) {
        const std::string column = argv[i];
        const auto at = column.find('=');
        const auto name = column.substr(0, at);
        job.column(name, name, at == std::string::npos ? "TEXT" : column.substr(at + 1));
    }
    job.start(); // the window's thread goes on drawing
    while (!job.is_finished()) {
        if (wants_cancel.exchange(false)) job.cancel();
        draw(job.progress());
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    draw(job.progress());
    std::fputc('\n', stderr);
    try {
        const auto report = job.wait();
        std::printf("%llu rows imported, %llu bad ones left out\n",
                    static_cast<unsigned long long>(report.loaded),
                    static_cast<unsigned long long>(report.rejected));
        return 0;
    } catch (const trommel::error &failure) {
        if (!failure.cancelled()) throw;
        std::printf("cancelled; %llu rows were imported\n",
                    static_cast<unsigned long long>(job.report().loaded));
        return 2;
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 4) {
        std::fprintf(stderr, "usage: app INPUT.csv OUTPUT.db TABLE [COLUMN=TYPE...]\n");
        return 64;
    }
    std::signal(SIGINT, [](int) { wants_cancel = true; });
    try {
        return import(argc, argv);
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "app: %s\n", failure.what());
        return 1;
    }
}
