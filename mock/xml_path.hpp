#pragma once

#include "mock/schema.hpp"

#include "events/outcome.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// An XML document from outside. Document type declarations are skipped, so entities are never expanded; nothing is fetched.
class xml_document {
public:
  /// Nothing if it is not well-formed enough to read, or longer than `limits::xml_bytes`.
  static std::shared_ptr<const xml_document> read(std::string_view bytes);
  ~xml_document();

  std::size_t nodes() const noexcept { return nodes_; }
  /// Bytes that the texts of all nodes have together, at most: each byte is in the text of every element around it.
  std::size_t text_bytes() const noexcept { return text_bytes_; }
  struct inside;
  const inside& self() const noexcept { return *self_; }

private:
  xml_document();
  std::unique_ptr<inside> self_;
  std::size_t nodes_ = 0;
  std::size_t text_bytes_ = 0;
};

/// An XPath 1.0 expression without variables. Elements are known by their names as they are written: `/soap:Envelope` finds an element that is
/// written with this prefix; `local-name()` and `namespace-uri()` know better. Immutable; any thread may use it.
class xml_path {
public:
  /// Fails with `errc::invalid`; with `errc::too_large` beyond `limits::xpath_bytes`.
  static events::outcome<xml_path> compile(std::string_view text);

  struct found {
    std::vector<std::string> texts; ///< of the nodes; the one value of an expression that is a text, a number or true; none of one that is false
    bool complete = true;           ///< false: it may cost more than the purse has, and was not evaluated; or it found too many
  };
  /// The engine cannot be stopped, so what it may cost is estimated before, by the nodes of the document and their texts, the steps of the expression
  /// that may visit all of them again for each node, and what it does with each, and paid: a small expression is for a large document, or a large one
  /// for a small document.
  found find(const xml_document& document, schema_purse& purse) const;

private:
  struct query;
  std::shared_ptr<const query> query_;
  std::size_t wide_ = 0;    ///< steps that may go anywhere
  std::size_t deeds_ = 1;   ///< what is done with a node: calls, predicates, comparisons
  std::size_t letters_ = 1; ///< what is done with a byte of its text
};

} // namespace hourglass::mock
