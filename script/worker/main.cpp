#include "script/worker/confinement.hpp"
#include "script/worker/engine.hpp"
#include "script/worker/limits.hpp"

#include <charconv>

#include <unistd.h>

// The program that runs scripts: started by the server with a socket as descriptor 3, it gives up everything else and waits for work.
namespace hourglass::worker {

namespace {

constexpr int server_socket = 3;
enum exit : int { bad_start = 70, no_confinement = 71, bad_frame = 72 };

class connection final : public asking {
public:
  /// Ends the process when the server has gone.
  script::frame next() {
    for (;;) {
      if (auto f = reader_.next())
        return *f;
      if (reader_.broken())
        ::_exit(bad_frame);
      auto to = reader_.room();
      const auto n = ::read(server_socket, to.data(), to.size());
      if (n <= 0)
        ::_exit(0);
      reader_.filled(static_cast<std::size_t>(n));
    }
  }

  void send(frame_kind kind, std::initializer_list<std::string_view> texts) {
    out_.clear();
    script::write_frame(out_, kind, texts);
    std::string_view rest = out_;
    while (!rest.empty()) {
      const auto n = ::write(server_socket, rest.data(), rest.size());
      if (n <= 0)
        ::_exit(0);
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  bool call(std::string_view name, std::string_view arguments, std::string& answer) override {
    send(frame_kind::call, {name, arguments});
    const auto f = next();
    const auto texts = script::read_texts(f.payload, 1);
    if (!texts || (f.kind != frame_kind::answer && f.kind != frame_kind::refusal))
      ::_exit(bad_frame);
    answer = texts->front();
    return f.kind == frame_kind::answer;
  }

  std::string source_of(std::string_view digest) override {
    send(frame_kind::want, {digest});
    const auto f = next();
    const auto texts = script::read_texts(f.payload, 1);
    if (!texts || f.kind != frame_kind::source)
      ::_exit(bad_frame);
    return std::string{texts->front()};
  }

private:
  script::frame_reader reader_{limits::frame_bytes};
  std::string out_;
};

result obey(engine& with, const script::frame& f) {
  if (f.kind == frame_kind::check) {
    if (const auto texts = script::read_texts(f.payload, 2)) {
      const std::string source{(*texts)[0]}, form{(*texts)[1]}; // the frame's bytes move when we read on
      return with.check(source, form);
    }
  }
  const auto texts = f.kind == frame_kind::run ? script::read_texts(f.payload, 7) : std::nullopt;
  order what;
  if (!texts || std::from_chars((*texts)[3].data(), (*texts)[3].data() + (*texts)[3].size(), what.now_us).ec != std::errc{})
    ::_exit(bad_frame);
  what.sandbox = (*texts)[0];
  what.script = (*texts)[1];
  what.library = (*texts)[2];
  what.seed = (*texts)[4];
  what.request = (*texts)[5];
  what.start = (*texts)[6];
  return with.run(what);
}

int work(bool slow) {
  if (!give_up_what_is_inherited(server_socket, slow))
    return no_confinement;
  connection server;
  engine with{server};
  if (!with.open())
    return bad_start;
  if (!confine())
    return no_confinement;
  server.send(frame_kind::ready, {});
  for (;;) {
    const auto r = obey(with, server.next());
    server.send(frame_kind::done, {r.ended, r.tired ? "1" : "0", r.status, r.headers, r.form, r.body, r.console, r.message, std::to_string(r.line),
                                   std::to_string(r.column), r.stack});
  }
}

} // namespace

} // namespace hourglass::worker

int main(int count, char** arguments) { ::_exit(hourglass::worker::work(count > 1 && arguments[1] == hourglass::script::slow_argument)); }
