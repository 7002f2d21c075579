// trommel.hpp: lambdas, exceptions that stay inside and come out on the caller's side.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <trommel.hpp>
#include <trommel_record.h>

#define CHECK(what)                                                                              \
    do {                                                                                         \
        if (!(what)) {                                                                           \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);              \
            std::exit(1);                                                                        \
        }                                                                                        \
    } while (0)

struct own_error {
    int code;
};

static auto numbers(std::uint64_t rows) {
    return [next = std::uint64_t{0}, rows](std::uint64_t *out, std::size_t room) mutable {
        std::size_t count = 0;
        while (count < room && next < rows) out[count++] = next++;
        return count;
    };
}

int main() {
    trommel::engine engine(2);
    auto alive = std::make_shared<int>(0);
    {
        std::uint64_t sum = 0;
        trommel::pipeline job(engine);
        job.source<std::uint64_t>(numbers(100000), 100000)
            .transform<std::uint64_t, double>([alive](trommel::batch<std::uint64_t> rows) {
                auto *out = rows.output<double>();
                for (std::size_t i = 0; i < rows.size(); i++) {
                    out[i] = static_cast<double>(rows[i]);
                    if (rows[i] % 2) rows.filter(i);
                }
            })
            .sink<double>([&sum](const double *values, std::size_t count) {
                for (std::size_t i = 0; i < count; i++) sum += static_cast<std::uint64_t>(values[i]);
            });
        CHECK(alive.use_count() == 2);
        const auto report = job.run();
        CHECK(report.loaded == 50000 && report.filtered == 50000 && sum == 2499950000u);
        CHECK(alive.use_count() == 1); // dropped when the run has ended
    }
    for (int where = 0; where < 3; where++) {
        trommel::pipeline job(engine);
        job.source<std::uint64_t>([where, fill = numbers(50000)](std::uint64_t *out, std::size_t room) mutable {
               if (where == 0) throw own_error{17};
               return fill(out, room);
           })
            .transform<std::uint64_t>([where, alive](trommel::batch<std::uint64_t>) {
                if (where == 1) throw own_error{18};
            })
            .sink<std::uint64_t>([where](const std::uint64_t *, std::size_t) {
                if (where == 2) throw std::runtime_error("from the sink");
            });
        try {
            job.run();
            CHECK(false && "it throws");
        } catch (const own_error &error) {
            CHECK(error.code == 17 + where && where < 2);
        } catch (const std::runtime_error &error) {
            CHECK(where == 2 && std::string(error.what()) == "from the sink");
        }
        CHECK(job.report().outcome == TROMMEL_FAILED);
    }
    CHECK(alive.use_count() == 1);
    // Each lambda may cancel what would never end.
    for (int where = 0; where < 5; where++) {
        trommel::pipeline job(engine);
        job.source<std::uint64_t>([where](std::uint64_t *out, std::size_t room, trommel::call now) {
               if (where == 0) now.cancel();
               CHECK(where > 0 || now.is_cancelled());
               for (std::size_t i = 0; i < room; i++) out[i] = i;
               return room;
           })
            .transform<std::uint64_t>([where](trommel::batch<std::uint64_t> rows) {
                if (where == 1) rows.cancel();
            })
            .sink<std::uint64_t>([where](const std::uint64_t *, std::size_t, trommel::call now) {
                if (where == 2) now.cancel();
            })
            .on_progress([where, alive](const trommel_progress &now) {
                if (where == 4) throw own_error{now.size == sizeof now ? 20 : 0};
                return where != 3;
            });
        try {
            job.run();
            CHECK(false && "it throws");
        } catch (const trommel::error &error) {
            CHECK(error.cancelled() && where < 4);
        } catch (const own_error &error) {
            CHECK(error.code == 20 && where == 4);
        }
        CHECK(job.report().outcome == TROMMEL_CANCELLED && alive.use_count() == 1);
    }
    try {
        trommel::pipeline job(engine);
        job.from("csv:/no/such/file").into("sqlite:/no/such/db?table=t").run();
        CHECK(false && "it throws");
    } catch (const trommel::error &error) {
        CHECK(error.status() == TROMMEL_STATUS_IO && error.info().message != nullptr);
    }
    trommel_user_record user{};
    trommel_user_set_age(&user, 41);
    trommel_user_set_logins(&user, 4095);
    trommel_user_set_age(&user, 42);
    CHECK(trommel_user_age(&user) == 42 && trommel_user_logins(&user) == 4095 && !trommel_user_beta(&user));
    std::puts("the wrapper does what it says");
}
