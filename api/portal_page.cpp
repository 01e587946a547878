#include "api/core.hpp"
#include "api/routes.hpp"
#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <portal/page.hpp>

namespace hourglass::api {

namespace {

std::string hash_source(std::string_view text) { return "'sha256-" + events::to_base64(events::as_text(events::sha256({text}))) + "'"; }

/// Self-contained: nothing is loaded, nothing but its own script and style runs, text becomes no markup (`trusted-types`), and no other window
/// has a handle on it, since whatever a sandbox answers is of the same origin.
void page(core&, const call_ptr& c) {
  static const std::string policy = "default-src 'none'; script-src " + hash_source(portal::script) + "; style-src " + hash_source(portal::style) +
                                    "; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                                    "require-trusted-types-for 'script'; trusted-types 'none'";
  static const std::string text = [] {
    std::string out{portal::html};
    auto put = [&out](std::string_view mark, std::string_view open, std::string_view inside, std::string_view close) {
      if (auto at = out.find(mark); at != std::string::npos)
        out.replace(at, mark.size(), std::string{open}.append(inside).append(close));
    };
    put("<!--style-->", "<style>", portal::style, "</style>");
    put("<!--script-->", "<script type=\"module\">", portal::script, "</script>");
    return out;
  }();
  http::response out;
  out.headers = {{"Content-Type", "text/html; charset=utf-8"},
                 {"Content-Security-Policy", policy},
                 {"Cross-Origin-Opener-Policy", "same-origin"},
                 {"Cross-Origin-Resource-Policy", "same-origin"},
                 {"X-Content-Type-Options", "nosniff"},
                 {"X-Frame-Options", "DENY"},
                 {"Referrer-Policy", "no-referrer"},
                 {"Cache-Control", "no-cache"}};
  out.body = text;
  c->send(std::move(out));
}

} // namespace

void add_portal_page(router& to) {
  for (auto [path, id] : {std::pair{"/portal/", "portal"}, std::pair{"/portal", "portalWithoutSlash"}})
    to.add({.method = "GET", .path = path, .id = id, .tag = "authentication",
            .says = "The page on which the users of an application look after its webhooks; app-portal-access gives the link", .who = access::anyone,
            .answers = {{200, "Text", "A page", "text/html"}}, .run = page});
}

} // namespace hourglass::api
