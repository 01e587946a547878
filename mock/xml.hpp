#pragma once

#include "mock/parameter.hpp"

namespace hourglass::mock {

struct xml_body {
  json_value value;
  std::string root; ///< name of the root element, without a prefix
};

/// An XML document as the value that its schema means (OpenAPI's XML object: `name`, `attribute`, `wrapped`; prefixes and namespaces are
/// not looked at). An element is known by its property's name, too. Nothing is fetched, and no entity is replaced but the five of XML itself.
/// Fails with `errc::invalid` (`where` = `line:column`, if known) on what is no well-formed XML in UTF-8 or mixes text and elements.
events::outcome<xml_body> read_xml(std::string_view text, const schema_walk& as, reading& how);

} // namespace hourglass::mock
