#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hourglass::bench {

/// One measured number, with all that is needed to read it.
struct figure {
  std::string scenario;
  std::string name;
  double value = 0;
  std::string unit;
  std::string load;             ///< under what
  bool durable = false;         ///< everything counted had been synced when it was counted
  std::string ratio_to;         ///< name of the figure it is compared with
  std::optional<double> ratio;
  std::string wanted;           ///< what the project asks for; nothing here passes or fails by it
};

struct report {
  bool quick = false;
  unsigned threads = 0; ///< I/O threads of our server and of the bare ones
  std::string folder;   ///< where the data is: its file system decides what a sync costs
  std::vector<figure> figures;
  std::vector<std::string> errors; ///< failed requests and the like: the run is then worth nothing

  void add(figure f);
  void fail(std::string scenario, std::string what);
};

std::string to_json(const report& r);
std::string to_text(const report& r);

} // namespace hourglass::bench
