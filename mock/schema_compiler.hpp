#pragma once

#include "mock/schema_documents.hpp"
#include "mock/schema_node.hpp"

namespace hourglass::mock {

/// Turns schemas into nodes, one after the other from a queue: neither a deep schema nor a long chain of references recurses.
/// Private to schema_compile*.cpp.
class schema_compiler::impl {
public:
  explicit impl(schema_options options) : options_(options), documents_(options) {}

  schema_documents& documents() noexcept { return documents_; }
  /// Fails with the place's own error, or that of the schema.
  events::outcome<schema_ref> compile(const events::outcome<schema_documents::place>& at);
  std::shared_ptr<const schema_program> program() const { return program_; }
  const std::vector<events::error>& problems() const noexcept { return problems_; }

private:
  using place = schema_documents::place;
  struct pending {
    schema_node* node;
    place at;
  };
  /// A schema being compiled.
  struct subject {
    schema_node& node;
    const json_value& schema;
    std::uint32_t resource;
    const schema_rules& rules;
  };

  bool drain();
  bool compile_dynamic();
  bool find_circles();
  schema_ref node_for(place at);
  schema_ref child(const subject& s, const json_value& schema, std::string below);
  schema_ref child(const subject& s, std::string_view keyword);
  std::vector<schema_ref> children(const subject& s, std::string_view keyword);
  schema_ref target(const subject& s, const char* keyword, place* where = nullptr);

  void compile_one(const pending& work);
  void compile_types(const subject& s);
  void compile_values(const subject& s);
  void compile_numbers(const subject& s);
  void compile_strings(const subject& s);
  void compile_arrays(const subject& s);
  void compile_objects(const subject& s);
  void compile_dependents(const subject& s, object_rules& into);
  void compile_logic(const subject& s);
  void compile_references(const subject& s);
  void compile_discriminator(const subject& s);

  bool has(const subject& s, std::string_view keyword) const { return s.schema.member(keyword) != nullptr; }
  std::size_t count(const subject& s, std::string_view keyword, std::size_t otherwise);
  bool truth(const subject& s, std::string_view keyword);
  std::shared_ptr<const ecma_regex> regex(const subject& s, std::string_view text, std::string_view where);
  logic_rules& logic(const subject& s);
  void refuse(const subject& s, std::string_view below, std::string why, events::errc code = events::errc::invalid);
  void note(events::error problem);

  schema_options options_;
  schema_documents documents_;
  std::shared_ptr<schema_program> program_ = std::make_shared<schema_program>();
  std::unordered_map<const json_value*, schema_node*> nodes_;
  std::vector<pending> queue_;
  std::map<std::string, std::shared_ptr<const ecma_regex>, std::less<>> regexes_;
  std::size_t regex_steps_ = 0;   ///< of all of them
  std::size_t pointer_bytes_ = 0; ///< of all nodes
  std::set<std::string, std::less<>> dynamic_names_;
  std::unordered_map<schema_ref, bool> walked_; ///< in search of circles; true: done, false: on the way
  std::size_t walked_nodes_ = 0;
  std::vector<events::error> problems_;
  std::optional<events::error> failure_; ///< the first thing that ends the compilation
};

} // namespace hourglass::mock
