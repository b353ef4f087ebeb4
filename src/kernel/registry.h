// A list of twins, found by name once and called by number after.
#pragma once
#include <cstring>

namespace glassnet::GLASSNET_LEVEL {

template <class... Twins>
struct Registry {
  static constexpr int size = sizeof...(Twins);

  static const char* name(int code) {
    const char* names[] = {Twins::name...};
    return names[code];
  }

  static int find(const char* wanted) {
    for (int code = 0; code < size; ++code)
      if (std::strcmp(name(code), wanted) == 0) return code;
    return -1;
  }

  // Call `use` with the twin of that number, made from `numbers`, its hyperparameters, if it takes any.
  template <class Use, class... Numbers>
  static void visit(int code, Use&& use, Numbers... numbers) {
    int i = 0;
    ((i++ == code ? use(Twins(numbers...)) : void()), ...);
  }
};

}  // namespace glassnet::GLASSNET_LEVEL
