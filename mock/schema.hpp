#pragma once

#include "events/outcome.hpp"
#include "mock/json_value.hpp"
#include "mock/schema_limits.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What the keywords of a schema mean where it does not say so itself with `$schema`.
/// OpenAPI 2.0 and 3.0 have a draft 4 of their own: no ids, whole numbers like 1.0 are integers, 3.0 also `nullable`, and `discriminator` as
/// a hint of which alternative to explain. OpenAPI 3.1 is draft 2020-12.
enum class schema_dialect : std::uint8_t { draft4, openapi_2_0, openapi_3_0, draft6, draft7, draft2019_09, draft2020_12 };

struct schema_options {
  schema_dialect dialect = schema_dialect::draft2020_12;
  bool assert_formats = false; ///< else `format` only describes, unless a vocabulary demands more
  bool lenient = false;        ///< what cannot be compiled is left out, and told in `schema_compiler::problems`
};

/// A JSON Pointer, or a URI with one, as a fault tells it: at most `limits::fault_pointer_bytes` and an ellipsis.
std::string told_pointer(std::string_view pointer);

/// Why a value does not fit. Pointers are `told_pointer`s.
struct schema_fault {
  std::string instance; ///< JSON Pointer into the value
  std::string schema;   ///< URI of the keyword that says so: the document's, and a JSON Pointer as its fragment
  std::string keyword;
  std::string message;  ///< half a sentence whose subject is what `instance` points at
  bool operator==(const schema_fault&) const = default;
};

/// What looking at values may still cost: one value, or all those of a request.
struct schema_purse {
  std::uint64_t left = limits::schema_work;

  /// False once it is empty.
  bool spend(std::uint64_t work) noexcept {
    left = work < left ? left - work : 0;
    return left != 0;
  }
  bool empty() const noexcept { return left == 0; }
};

struct schema_node;
struct schema_program;

/// A schema ready to check values with. Cheap to copy; immutable once its compiler has gone, and then usable from any thread.
///
/// Supported: drafts 4, 6, 7, 2019-09 and 2020-12 whole, with `$vocabulary`; `format`, `contentEncoding` and the like describe only, but see `schema_options`.
/// Numbers are compared exactly, lengths are in code points, regular expressions are `ecma_regex`.
/// Bounded by `limits::schema_depth` and `limits::schema_work`: a value that would cost more does not fit, with a fault that says so.
class json_schema {
public:
  json_schema() = default; ///< accepts everything

  bool accepts(const json_value& v) const;
  bool accepts(const json_value& v, schema_purse& purse) const;
  /// All faults, at most `most`; empty if `v` fits. For alternatives the nearest one is explained, if it can be told which that is.
  std::vector<schema_fault> check(const json_value& v, std::size_t most = limits::schema_faults) const;
  std::vector<schema_fault> check(const json_value& v, schema_purse& purse, std::size_t most = limits::schema_faults) const;

  explicit operator bool() const noexcept { return root_ != nullptr; }

private:
  friend class schema_compiler;
  friend class schema_walk;
  std::shared_ptr<const schema_program> program_;
  const schema_node* root_ = nullptr;
};

/// Compiles schemas out of a set of documents. References lead only to these documents and to the metaschemas of the drafts: nothing is fetched.
/// Documents must outlive the compiler, but not what it has compiled. One thread at a time.
class schema_compiler {
public:
  explicit schema_compiler(schema_options options = {});
  ~schema_compiler();
  schema_compiler(const schema_compiler&) = delete;
  schema_compiler& operator=(const schema_compiler&) = delete;

  /// Makes a document known under its absolute URI, or under an empty one. It may be no schema itself, but hold some.
  void add(std::string uri, const json_value& document);

  /// The schema at `pointer` of the document `uri`. What several schemas refer to is compiled once.
  /// Fails with `errc::invalid` (`where` = URI of the place) on what is no schema, on references that lead nowhere or in a circle, and on
  /// regular expressions without a linear-time form; with `errc::too_large` beyond the limits.
  events::outcome<json_schema> compile(std::string_view uri, std::string_view pointer = {});

  /// A schema that stands in the document `uri`, wherever that is; `at` is where faults shall say it stands.
  events::outcome<json_schema> compile(std::string_view uri, const json_value& schema, std::string at);

  /// What was left out, at most `limits::document_warnings`; `where` as above.
  const std::vector<events::error>& problems() const noexcept;
  /// The documents that were needed so far, in order of their URI.
  std::vector<std::string> used() const;

private:
  events::outcome<json_schema> finished(const events::outcome<const schema_node*>& root) const;

  class impl;
  std::unique_ptr<impl> self_;
};

/// `document` alone, as one schema.
events::outcome<json_schema> compile_schema(const json_value& document, schema_options options = {});

} // namespace hourglass::mock
