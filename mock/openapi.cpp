// The walk over a document: servers, paths, operations, webhooks. What an answer looks like is openapi_response.cpp's.
#include "mock/openapi.hpp"

#include "events/limits.hpp"
#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/compiled.hpp"
#include "mock/document_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/openapi_bundle.hpp"
#include "mock/openapi_collections.hpp"
#include "mock/openapi_request.hpp"
#include "mock/openapi_response.hpp"
#include "mock/openapi_variant.hpp"
#include "mock/request_check.hpp"
#include "mock/request_match.hpp"
#include "mock/swagger.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

std::string text_of(const json_value* v) { return v != nullptr && (v->is_string() || v->is_number()) ? v->text : std::string{}; }

/// At most `most` bytes, never half a character.
std::string clipped(std::string text, std::size_t most) {
  if (text.size() <= most)
    return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80)
    --most;
  text.resize(most);
  return text;
}

/// What a route is apart from the names of its parameters.
std::string route_key(const endpoint& e, const route_pattern& route) {
  std::string key = e.method + e.match;
  for (const auto& s : route.segments) {
    key += '/';
    key += s.what == route_segment::kind::literal ? s.text : std::string{};
    for (const auto& t : s.around)
      key += t + '\0';
    if (s.what == route_segment::kind::parameter)
      key += '\0';
  }
  return key;
}

class importer {
public:
  importer(const json_value& root, const events::entropy& seed, sampler::extent most, bool last, bool generated)
    : root_(root), last_(last), answers_(root, root.string_member("openapi").starts_with("3.1"), warner(), openapi_requests::side::answers),
      responses_(root, seed, most, generated, out_.warnings, answers_),
      requests_(root, root.string_member("openapi").starts_with("3.1"), warner()), collections_(root, seed, requests_, warner()) {}

  outcome<openapi_document> run() {
    if (auto ok = check_version(); !ok)
      return tl::unexpected<events::error>{ok.error()};
    if (const auto* info = root_.member("info")) {
      out_.title = clipped(text_of(info->member("title")), 256);
      out_.version = clipped(text_of(info->member("version")), 256);
    } else {
      responses_.warn("is required by OpenAPI, and missing here", "/info");
    }
    if (auto ok = walk(); !ok)
      return tl::unexpected<events::error>{ok.error()};
    out_.state = state_said_by(root_);
    out_.collections = collections_.take(out_.endpoints);
    if (auto ok = take_requests(); !ok)
      return tl::unexpected<events::error>{ok.error()};
    if (auto ok = charge_collections(); !ok)
      return tl::unexpected<events::error>{ok.error()};
    take_answers();
    responses_.tell_doubts();
    return std::move(out_);
  }

  bool has_generated() const noexcept { return responses_.has_generated(); }

private:
  std::function<void(std::string, std::string)> warner() {
    return [this](std::string detail, std::string where) { responses_.warn(std::move(detail), std::move(where)); };
  }

  outcome<void> check_version() const {
    if (!root_.is_object())
      return failure(errc::invalid, "an OpenAPI document is an object");
    auto version = text_of(root_.member("openapi"));
    if (version.empty())
      return failure(errc::invalid, "an OpenAPI document says its version", "/openapi");
    if (!version.starts_with("3.0") && !version.starts_with("3.1"))
      return failure(errc::invalid, "only OpenAPI 3.0 and 3.1, and Swagger 2.0, are read", "/openapi");
    return {};
  }

  outcome<void> walk() {
    const auto* paths = root_.member("paths");
    const auto* webhooks = root_.member("webhooks");
    if (webhooks == nullptr)
      webhooks = root_.member("x-webhooks");
    if (paths == nullptr && webhooks == nullptr && root_.member("components") == nullptr)
      return failure(errc::invalid, "is required", "/paths");
    if (paths != nullptr && !paths->is_object())
      return failure(errc::invalid, "must be an object", "/paths");
    for (std::size_t i = 0; webhooks != nullptr && webhooks->is_object() && i < webhooks->items.size(); ++i)
      if (auto ok = read_webhook(webhooks->names[i], webhooks->items[i],
                                 pointer_to(root_.member("webhooks") != nullptr ? "/webhooks" : "/x-webhooks", webhooks->names[i]));
          !ok)
        return ok;
    for (std::size_t i = 0; paths != nullptr && i < paths->items.size(); ++i) {
      if (paths->names[i].starts_with("x-"))
        continue;
      if (auto ok = read_path(paths->names[i], paths->items[i]); !ok)
        return ok;
    }
    return {};
  }

  /// The schemas of all requests, compiled once to tell what of them cannot be checked.
  outcome<void> take_requests() {
    out_.requests = requests_.take();
    std::size_t bytes = to_text(out_.requests).size();
    for (const auto& e : out_.endpoints) {
      for (const auto& p : e.demands.parameters)
        bytes += 120 + p.name.size() + p.schema.size();
      for (const auto& b : e.demands.bodies)
        bytes += 50 + b.media_type.size() + b.schema.size();
      for (const auto& all : e.demands.security)
        for (const auto& c : all)
          bytes += 60 + c.scheme.size() + c.name.size();
    }
    if (auto ok = responses_.charge(bytes, ""); !ok) {
      if (!last_ && has_generated())
        return ok; // shorter examples make room
      out_.requests = {};
      for (auto& e : out_.endpoints)
        e.demands = {};
      for (auto& c : out_.collections)
        c.schema.clear();
      responses_.warn("requests are not checked: there is no room for their schemas beside the answers", "");
    }
    if (out_.requests.is_null())
      return {};
    auto all = out_.requests;
    all.set("validation", json_value::of("report"));
    auto schemas = request_schemas::read(all);
    if (!schemas)
      return tl::unexpected<events::error>{schemas.error()};
    for (const auto& e : out_.endpoints)
      (*schemas)->compile(e);
    for (const auto& c : out_.collections)
      (*schemas)->compile(c.schema);
    for (const auto& p : (*schemas)->problems())
      responses_.warn("requests are not checked against this: " + p.detail, p.where);
    return {};
  }

  /// What is left of the room is for what answers can be made of anew.
  void take_answers() {
    out_.answers = answers_.take();
    std::size_t bytes = to_text(out_.answers).size();
    for (const auto& e : out_.sources)
      for (const auto& response : e)
        for (const auto& c : response)
          bytes += 60 + c.schema.size() * 9 / 8 + c.given.size() * 9 / 8;
    if (!out_.answers.is_null() && responses_.charge(bytes + 64 * out_.endpoints.size(), ""))
      return;
    if (!out_.answers.is_null())
      responses_.warn("Prefer: dynamic and seed make nothing anew: there is no room for the schemas of answers beside the answers", "");
    out_.answers = {};
    out_.sources.clear();
  }

  outcome<void> charge_collections() {
    std::size_t bytes = 0;
    std::string text;
    for (const auto& c : out_.collections) {
      events::json_text j{text};
      write_collection(c, j);
      bytes += std::exchange(text, {}).size();
    }
    for (const auto& e : out_.endpoints)
      if (!e.state.empty())
        bytes += 120 + 20 * (e.state.members.size() + e.state.needs.size() + 2 * e.state.filters.size());
    auto ok = responses_.charge(bytes, "");
    if (ok || (!last_ && has_generated()))
      return ok; // shorter examples make room
    out_.collections.clear();
    for (auto& e : out_.endpoints)
      e.state = {};
    responses_.warn("nothing keeps state: there is no room for the collections beside the answers", "");
    return {};
  }

  outcome<void> read_path(const std::string& path, const json_value& item) {
    auto at = pointer_to("/paths", path);
    const auto* resolved = follow_reference(root_, item);
    if (resolved == nullptr || !resolved->is_object()) {
      responses_.warn("this path was left out: it is no object, or a reference that is not followed", at);
      return {};
    }
    static constexpr std::array<std::string_view, 8> methods{"get", "put", "post", "delete", "options", "head", "patch", "trace"};
    for (auto method : methods) {
      const auto* operation = resolved->member(method);
      if (operation == nullptr)
        continue;
      auto where = pointer_to(at, method);
      if (!operation->is_object()) {
        responses_.warn("this operation was left out: it is no object", where);
        continue;
      }
      if (out_.endpoints.size() >= limits::endpoints_per_sandbox)
        return failure(errc::too_large, "more operations than the limit endpoints_per_sandbox (" + std::to_string(limits::endpoints_per_sandbox) + ")", where);
      if (auto ok = read_operation(path, method, *resolved, *operation, where); !ok)
        return ok;
    }
    return {};
  }

  outcome<void> read_operation(const std::string& path, std::string_view method, const json_value& item, const json_value& operation,
                               const std::string& where) {
    endpoint e;
    e.source = endpoint_source::openapi;
    e.path = path;
    e.method = method;
    std::transform(e.method.begin(), e.method.end(), e.method.begin(), [](char c) { return static_cast<char>(c - 32); });
    e.name = clipped(text_of(operation.member("operationId")), 256);
    e.project_root = base_path_of(root_, item, operation);
    if (auto variant = variant_of(root_, path, item, operation); variant && !take_variant(*variant, method, e, where))
      return {};
    auto route = compile_route(e.full_path());
    if (!route) {
      responses_.warn("this operation was left out: " + route.error().detail, where);
      return {};
    }
    if (!routes_.insert(route_key(e, *route)).second) {
      responses_.warn("this operation was left out: another one has the same route", where);
      return {};
    }
    read_consumes(operation, e);
    e.demands = requests_.read(item, operation, pointer_to("/paths", path), where);
    answer_sources from;
    if (auto ok = responses_.read(operation, where, e.responses, from); !ok)
      return ok;
    out_.sources.push_back(std::move(from));
    if (e.match.empty())
      collections_.note(out_.endpoints.size(), e, route->parameters, item, operation, where);
    out_.endpoints.push_back(std::move(e));
    return read_callbacks(operation, where);
  }

  /// False when it was left out.
  bool take_variant(const path_variant& variant, std::string_view method, endpoint& e, const std::string& where) {
    e.path = variant.path;
    if (variant.match.is_null()) {
      if (!stands_elsewhere(e.path, method))
        return true;
      responses_.warn("this operation was left out: nothing that a request could show tells it from the one of the same path and method", where);
      return false;
    }
    e.match = to_text(variant.match);
    auto compiled = request_match::compile(variant.match, {});
    if (compiled && e.match.size() <= limits::match_bytes && ++variants_[e.method + e.full_path()] <= limits::endpoints_per_route)
      return true;
    responses_.warn("this operation was left out: " + (compiled ? std::string{"more of its path than the limits match_bytes and endpoints_per_route allow"} : compiled.error().detail), where);
    return false;
  }

  /// Whether the document has the method at just this path.
  bool stands_elsewhere(const std::string& path, std::string_view method) const {
    const auto* paths = root_.member("paths");
    const auto* item = paths != nullptr ? paths->member(path) : nullptr;
    const auto* resolved = item != nullptr ? follow_reference(root_, *item) : nullptr;
    return resolved != nullptr && resolved->member(method) != nullptr;
  }

  void read_consumes(const json_value& operation, endpoint& e) const {
    const auto* content = request_body_of(root_, operation).content;
    if (content == nullptr)
      return;
    for (const auto& name : content->names) {
      auto essence = media_essence(name);
      if (essence == "*/*" || e.consumes.size() == 32) {
        e.consumes.clear();
        return;
      }
      if (!essence.empty() && std::find(e.consumes.begin(), e.consumes.end(), essence) == e.consumes.end())
        e.consumes.push_back(std::move(essence));
    }
  }

  /// What an operation calls back is a webhook, too; of several with one name the first counts.
  outcome<void> read_callbacks(const json_value& operation, const std::string& where) {
    const auto* callbacks = operation.member("callbacks");
    for (std::size_t i = 0; callbacks != nullptr && callbacks->is_object() && i < callbacks->items.size(); ++i) {
      const auto& name = callbacks->names[i];
      if (out_.webhooks.size() >= limits::document_webhooks) {
        responses_.warn("from here on callbacks are left out: there are more than the limit document_webhooks (" + std::to_string(limits::document_webhooks) + ")", where);
        return {};
      }
      const auto at = pointer_to(where + "/callbacks", name);
      const auto* called = follow_reference(root_, callbacks->items[i]);
      if (called == nullptr || !called->is_object() || called->items.empty()) {
        responses_.warn("this callback was left out: it is no object, or a reference that is not followed", at);
        continue;
      }
      if (auto ok = read_webhook(name, called->items.front(), pointer_to(at, called->names.front())); !ok)
        return ok;
    }
    return {};
  }

  outcome<void> read_webhook(const std::string& name, const json_value& item, const std::string& at) {
    if (!webhook_names_.insert(name).second)
      return {};
    const auto* resolved = follow_reference(root_, item);
    if (out_.webhooks.size() >= limits::document_webhooks)
      return failure(errc::too_large, "more webhooks than the limit document_webhooks (" + std::to_string(limits::document_webhooks) + ")", at);
    document_webhook w;
    w.name = name;
    w.media_type = "application/json";
    w.example = "null";
    for (std::size_t i = 0; resolved != nullptr && i < resolved->items.size() && i < resolved->names.size(); ++i) {
      const auto& operation = resolved->items[i];
      const auto* body = operation.member("requestBody");
      auto description = text_of(operation.member("description"));
      if (description.empty())
        description = text_of(operation.member("summary"));
      if (w.description.empty())
        w.description = clipped(std::move(description), 1024);
      if (body == nullptr)
        continue;
      w.shape = digest_of_all(root_, *body, shape_bytes_);
      if (auto ok = responses_.read_payload(*body, pointer_to(at, resolved->names[i]), w.media_type, w.example); !ok)
        return ok;
      break;
    }
    w.shape = events::to_hex(events::as_text(events::sha256({w.shape, "\n", w.description})));
    out_.webhooks.push_back(std::move(w));
    return {};
  }

  const json_value& root_;
  bool last_;
  openapi_document out_;
  openapi_requests answers_;
  openapi_responses responses_;
  openapi_requests requests_;
  openapi_collections collections_;
  std::unordered_set<std::string> routes_;
  std::unordered_map<std::string, std::size_t> variants_; ///< of one method and path, that ask something more
  std::unordered_set<std::string> webhook_names_;
  std::size_t shape_bytes_ = limits::document_text_bytes; ///< that are still looked at for the shapes of webhooks
};

/// A document whose generated examples do not fit in one event is read again with shorter ones.
outcome<openapi_document> read_converted(const json_value& root, const events::entropy& seed, bool generated) {
  static constexpr std::array<sampler::extent, 3> extents{{{limits::sample_nodes, 7}, {limits::sample_nodes / 10, 4}, {20, 2}}};
  for (const auto& most : extents) {
    importer one{root, seed, most, &most == &extents.back(), generated};
    auto doc = one.run();
    if (doc || doc.error().code != errc::too_large || !one.has_generated() || &most == &extents.back())
      return doc;
  }
  return failure(errc::internal, "no way to read this document");
}

/// Of any version that is read.
outcome<openapi_document> read_root(const json_value& root, const events::entropy& seed, bool generated) {
  if (!swagger_conversion::is_one(root))
    return read_converted(root, seed, generated);
  swagger_conversion swagger;
  auto converted = swagger.convert(root);
  if (!converted)
    return tl::unexpected<events::error>{converted.error()};
  auto doc = read_converted(*converted, seed, generated);
  if (doc) {
    swagger.give_back(*doc);
    return doc;
  }
  auto e = std::move(doc).error();
  e.where = swagger.original(e.where);
  return tl::unexpected<events::error>{std::move(e)};
}

} // namespace

outcome<openapi_document> read_openapi(std::string_view text, const events::entropy& seed, bool generated) {
  if (text.size() > limits::request_body_bytes)
    return failure(errc::too_large, "the document is larger than the limit request_body_bytes (" + std::to_string(limits::request_body_bytes) + ")");
  auto root = parse_document(text);
  if (!root)
    return tl::unexpected<events::error>{root.error()};
  std::vector<document_warning> doubles;
  drop_doubles(*root, doubles);
  if (openapi_bundle::is_one(*root)) {
    root = openapi_bundle::join(std::move(*root));
    if (!root)
      return tl::unexpected<events::error>{root.error()};
  }
  auto doc = read_root(*root, seed, generated);
  if (doc) {
    doc->sha256 = events::to_hex(events::as_text(events::sha256({text})));
    doc->warnings.insert(doc->warnings.begin(), doubles.begin(), doubles.end());
    if (doc->warnings.size() > limits::document_warnings)
      doc->warnings.resize(limits::document_warnings);
  }
  if (doc && doc->warnings.size() < limits::document_warnings)
    if (auto other = openapi_bundle::first_of_others(*root))
      doc->warnings.insert(doc->warnings.begin(), std::move(*other));
  return doc;
}

} // namespace hourglass::mock
