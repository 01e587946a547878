#pragma once

#include "events/outcome.hpp"

namespace hourglass::cli {

/// What the process ends with. Documented in `hourglass --help`; scripts rely on it.
enum exit_code : int {
  done = 0,
  failed = 1,        ///< whatever is not below; the reason is on standard error
  usage = 2,         ///< an option, a variable or the configuration file is wrong
  data_held = 3,     ///< another process has the data folder
  data_newer = 4,    ///< the data folder was written by a newer version
  data_corrupt = 5,  ///< the data folder does not verify
};

exit_code exit_code_of(const events::error& e) noexcept;

int run(int argc, char** argv);

} // namespace hourglass::cli
