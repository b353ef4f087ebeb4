#include "team.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace glassnet {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ __volatile__("yield");
#endif
}

// Waits first as fast as can be, then lets others run; false when that has lasted for `patience` seconds.
class Wait {
 public:
  explicit Wait(double patience) : patience_(patience) {}

  bool more() {
    if (++turns_ % 64 != 0) {
      pause();
      return true;
    }
    const double now = seconds();
    if (began_ == 0) began_ = now;
    if (now - began_ > POLITE) std::this_thread::yield();
    return now - began_ < patience_;
  }

 private:
  static constexpr double POLITE = 20e-6;
  double patience_, began_ = 0;
  unsigned turns_ = 0;
};

// The ticket: 24 bits that change with every piece of work, how many units it has, and which is next.
constexpr std::uint64_t BITS = 20, MOST = (std::uint64_t(1) << BITS) - 1;
std::uint64_t count_of(std::uint64_t ticket) { return ticket >> BITS & MOST; }
std::uint64_t next_of(std::uint64_t ticket) { return ticket & MOST; }

}  // namespace

struct Pool {
  std::mutex held;              // by the call whose threads these are
  std::atomic<int> callers{0};  // calls at work, with threads or without
  int threads = 0;              // that were started, beside the caller's own

  // Of the work at hand. Who has taken a valid unit from the ticket may read the rest: it does not change before that
  // unit is done.
  std::atomic<std::uint64_t> ticket{0};
  void (*work)(void* context, std::int64_t unit, int worker) = nullptr;
  void* context = nullptr;
  std::int64_t first = 0;
  std::atomic<std::int64_t> done{0};
  std::atomic<int> wanted{0};  // workers below this number take part

  std::mutex door;
  std::condition_variable bell;
  std::atomic<int> asleep{0};

  bool calls(int worker, std::uint64_t now) const {
    return next_of(now) < count_of(now) && (worker == 0 || worker < wanted.load(std::memory_order_relaxed));
  }

  // A unit is taken only of the very work that was looked at: a worker that was held up here may find that the next
  // call, which wants fewer, has put up its own.
  void take_units(int worker) {
    for (std::uint64_t now = ticket.load(); calls(worker, now);) {
      if (!ticket.compare_exchange_weak(now, now + 1)) continue;
      work(context, first + std::int64_t(next_of(now)), worker);
      done.fetch_add(1, std::memory_order_release);
      now = ticket.load();
    }
  }

  [[noreturn]] void serve(int worker) {
    for (;;) {
      for (Wait wait(200e-6); !calls(worker, ticket.load());)
        if (!wait.more()) {
          std::unique_lock<std::mutex> lock(door);
          asleep.fetch_add(1);  // before the ticket is looked at again, or the bell could ring in between
          bell.wait(lock, [&] { return calls(worker, ticket.load()); });
          asleep.fetch_sub(1);
        }
      take_units(worker);
    }
  }

  void share(int workers, std::int64_t units, void (*what)(void*, std::int64_t, int), void* with) {
    const int others = callers.load(std::memory_order_relaxed) - 1;
    work = what, context = with;
    for (first = 0; first < units; first += std::int64_t(MOST / 2)) {
      const std::int64_t left = units - first, now = left < std::int64_t(MOST / 2) ? left : std::int64_t(MOST / 2);
      wanted.store(workers - others, std::memory_order_relaxed);
      done.store(0, std::memory_order_relaxed);
      ticket.store((((ticket.load() >> 2 * BITS) + 1) << 2 * BITS) | (std::uint64_t(now) << BITS));
      if (asleep.load() > 0 && workers - others > 1) {
        const std::lock_guard<std::mutex> lock(door);
        bell.notify_all();
      }
      take_units(0);
      for (Wait wait(1); done.load(std::memory_order_acquire) < now;) wait.more();
    }
  }
};

namespace {

// Never destroyed: at the end of the process its threads still sleep on it.
std::atomic<Pool*> the_pool{nullptr};

Pool* pool() {
  static const bool made = [] {
    the_pool = new Pool;
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { the_pool = new Pool; });  // a child has none of its parent's threads
#endif
    return true;
  }();
  static_cast<void>(made);
  return the_pool;
}

}  // namespace

Crew::Crew(int threads) : pool_(pool()), workers_(1) {
  pool_->callers.fetch_add(1);
  if (threads <= 1 || !pool_->held.try_lock()) return;
  try {
    for (; pool_->threads < threads - 1; ++pool_->threads)
      std::thread([pool = pool_, worker = pool_->threads + 1] { pool->serve(worker); }).detach();
  } catch (const std::exception&) {  // as many as the system gives
  }
  workers_ = pool_->threads + 1 < threads ? pool_->threads + 1 : threads;
  if (workers_ == 1) pool_->held.unlock();
}

Crew::~Crew() {
  if (workers_ > 1) pool_->held.unlock();
  pool_->callers.fetch_sub(1);
}

Team Crew::team() const {
  return {workers_, const_cast<Crew*>(this),
          [](void* self, int workers, std::int64_t units, void (*work)(void*, std::int64_t, int), void* context) {
            const Crew& crew = *static_cast<Crew*>(self);
            crew.pool_->share(workers, units, work, context);
          },
          seconds};
}

}  // namespace glassnet
