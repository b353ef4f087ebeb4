// Threads that stay: they take units of work as they come, so that one that is held up holds up nothing but its unit.
#pragma once
#include "kernel.h"

namespace glassnet {

// What a call has of the process's threads for as long as it lives. Whoever comes while another one holds them works
// alone, and the other one then does with one thread less: many calls at once have no more threads than one.
class Crew {
 public:
  explicit Crew(int threads);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  Team team() const;

 private:
  struct Pool* pool_;
  int workers_;
};

}  // namespace glassnet
