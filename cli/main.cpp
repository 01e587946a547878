#include "cli/far_memory.hpp"
#include "cli/program.hpp"

int main(int argc, char** argv) {
  hourglass::cli::use_huge_pages();
  return hourglass::cli::run(argc, argv);
}
