#pragma once

// Internal to http/. One I/O thread of the client: its origins, who waits for a connection and who gets which.

#include "http/client.hpp"
#include "http/io.hpp"
#include "http/resolve.hpp"
#include "http/tls.hpp"

#include <atomic>
#include <condition_variable>
#include <list>
#include <optional>
#include <thread>
#include <unordered_map>

namespace hourglass::http {

class channel;

/// One exchange on its way, from `send` to `done`. Owned by whoever works on it: the inbox, an origin's queue, or a channel.
struct job {
  exchange what;
  url_parts to;
  std::string origin; ///< key: scheme, host and port; with a way of its own that and the owner too
  std::string head;   ///< request line and headers, as bytes
  client::handler done;
  exchange_result result;
  std::int64_t asked_us = 0;    ///< monotonic
  std::int64_t deadline_ms = 0; ///< monotonic; set when there is a connection for it
  bool retried = false;
  bool connected_twice = false; ///< or tried to
  bool ready = true; ///< false: it already failed (a bad URL) and only has to be told so on the right thread
};
using job_ptr = std::unique_ptr<job>;

struct lane;
struct origin;

/// Somebody on whose behalf exchanges are made.
struct owner {
  std::string name;
  std::size_t busy = 0;  ///< connections in use
  std::size_t lanes = 0; ///< it is forgotten with the last
  std::list<lane*> turn; ///< those with somebody waiting, the next first; not empty: the owner stands in the worker's list
};

/// One owner's exchanges with one origin. Exists while there are any.
struct lane {
  owner& of;
  origin& to;
  std::list<job_ptr> waiting; ///< first come, first served; not empty: the lane stands in its owner's list
  std::size_t busy = 0;
};

/// Scheme, host and port, and the connections to it, which serve any owner; or one owner on its own way.
struct origin {
  std::string key;
  std::vector<boost::intrusive_ptr<channel>> idle; ///< the last used at the end, and taken first: the others may grow old and close
  std::unordered_map<std::string_view, lane> lanes; ///< by the owner's name
  std::size_t open = 0;
};

/// Contexts of those who have a TLS identity of their own; the least recently used are forgotten. What is open keeps its context.
class tls_contexts {
public:
  static constexpr std::size_t most = 128; ///< a thread; each is some 100 KB with as many authorities as may be given

  tl::expected<tls_context, std::string> of(const client_options& options, const std::string& owner, const transport& way, const tls_context& common);
  std::size_t size() const noexcept { return by_key_.size(); }

private:
  struct entry {
    std::string key;
    tls_context context;
  };
  std::list<entry> used_; ///< the last used first
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_key_;
};

/// What all workers of a client share. Outlives them.
struct client_shared {
  client_options options;
  std::shared_ptr<const egress_guard> guard;
  tls_context tls;
  std::string tls_problem; ///< why there is no `tls`
  std::unique_ptr<resolver_pool> names;

  std::mutex mutex;
  std::condition_variable finished;
  std::atomic<std::size_t> unfinished{0};
};

class client_worker : public std::enable_shared_from_this<client_worker> {
public:
  explicit client_worker(std::shared_ptr<client_shared> shared);
  ~client_worker();

  void start();
  /// Any thread. Gives the job back when the worker has ended.
  job_ptr post(job_ptr j);
  /// Cancels everything and joins the thread.
  void end();

  // -- for its channels -----------------------------------------------------------

  net::io_context& io() noexcept { return io_; }
  client_shared& shared() noexcept { return *shared_; }
  void want(std::int64_t due_ms);
  void resolve(const std::string& host, boost::intrusive_ptr<channel> who);
  tl::expected<tls_context, std::string> tls_for(const exchange& what);
  /// A kept connection is free: for whose turn it is, else for later.
  void release(const boost::intrusive_ptr<channel>& who);
  void closed(channel& who);
  void dial_again(job_ptr j);

private:
  struct letter {
    job_ptr work;
    std::string host; ///< of `addresses`
    std::optional<resolved> addresses;
  };

  bool push(letter&& l);
  void deliver();
  void begin(job_ptr j);
  lane& lane_of(const job& j);
  bool may_begin(const owner& o) const;
  bool may_begin(const lane& l) const;
  bool has_room() const;
  void start(lane& l, job_ptr j);
  void dial(lane& l, job_ptr j);
  void wait_in(lane& l, job_ptr j);
  bool serve_one_of(owner& o);
  void serve_waiting();
  void serve_waiting_later();
  void settle(channel& who);
  void rouse(channel& who);
  void on_resolved(const std::string& host, const resolved& addresses);
  void look_at_deadlines();
  void cancel_all();
  void erase_if_unused(origin& o);

  std::shared_ptr<client_shared> shared_;
  net::io_context io_{one_thread_hint};
  net::executor_work_guard<executor> alive_{io_.get_executor()};
  deadline_timer deadlines_;
  inbox<letter> inbox_;
  std::vector<letter> delivering_;
  const std::size_t most_;
  std::unordered_map<std::string, std::unique_ptr<origin>> origins_;
  std::unordered_map<std::string_view, std::unique_ptr<owner>> owners_; ///< the key is the owner's `name`
  std::list<owner*> turn_; ///< owners with somebody waiting, the next first
  std::size_t busy_ = 0;   ///< channels with an exchange
  bool serving_later_ = false;
  std::unordered_map<std::string, std::vector<boost::intrusive_ptr<channel>>> resolving_;
  tls_contexts tls_;
  std::vector<boost::intrusive_ptr<channel>> channels_;
  std::list<channel*> idle_; ///< the longest idle first; nodes are spliced in and out, never made
  bool ended_ = false;
  std::thread thread_;
};

/// Fills in what is the same for every end and tells the asker. The job's bytes stay as they are.
void finish(client_shared& shared, job& j, transport_error error, std::string detail);

} // namespace hourglass::http
