#pragma once

#include "events/redact.hpp"
#include "mock/serve.hpp"

#include <vector>

namespace hourglass::mock {

/// What a request to a collection is answered, and the events of the data that it changes.
struct state_answer {
  response answer;
  std::vector<events::draft> changes;
  std::string report; ///< what of the request did not become part of an item: for `X-Request-Validation`; empty: nothing
};

/// Answers `p.stateful` requests from the sandbox's data. Status, media type and what stands around the items are those of the chosen answer of the
/// document; what was stored fits the schema of the item, as far as the import knows it. What is not there is the document's 404, if it has one with a
/// body, else a problem document. The same arguments give the same answer.
///
/// A body that does not read is 400, one that is no object 422, and nothing changes; of an item that is not there it is 404, whatever the body. One of a
/// media type that is not read has no members, and leaves an item as it is.
///
/// create   members that are the server's are not taken from the body; what does not fit the item's schema is left out, which is told in `report`, or
///          under `enforce` refused; if nothing can be left out so that it fits, it is 422. An id that is taken is 409. Where the operation itself takes a list of items, the example answers, and nothing changes.
/// replace  keeps the id, what is the server's and what is required; of an item that is not there it makes one if the document has a 201.
/// merge    as RFC 7396 (a null takes away only in application/merge-patch+json); parameters of the query that are named like members count, too.
///          A JSON Patch (RFC 6902) in application/json-patch+json is done as a whole or not at all: 409 for a test that does not hold, 422 for a path
///          that leads to nothing or an item that would not fit its schema, 400 for what is no JSON Patch.
/// list     filtered by parameters named like members, paged by those named like pages, at most `limits::collection_page` items a page.
/// What a body has under names such as `password` is kept as `redact` puts it, as it is in the log.
state_answer answer_from_collection(const plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact);

} // namespace hourglass::mock
