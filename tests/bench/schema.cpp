// Validations per second of our own schemas and of Valijson, Debian's C++ library for JSON Schema, on draft 7: the same schema, the same values,
// parsed beforehand, in turn in one process. `bench_schema [--seconds N] [--rounds N]`.
#include "mock/schema.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace {

using namespace hourglass::mock;

constexpr const char* order_schema = R"({"$schema":"http://json-schema.org/draft-07/schema#","type":"object","required":["id","status","customer","items","total"],
"properties":{"id":{"type":"string","pattern":"^ord_[a-z0-9]{8}$"},"status":{"enum":["new","paid","sent","done","cancelled"]},
"customer":{"$ref":"#/definitions/customer"},"items":{"type":"array","minItems":1,"maxItems":1000,"items":{"$ref":"#/definitions/item"}},
"total":{"type":"number","minimum":0},"notes":{"type":["string","null"],"maxLength":200},
"payment":{"oneOf":[{"type":"object","required":["card"],"properties":{"card":{"type":"string","minLength":12,"maxLength":19}},"additionalProperties":false},
{"type":"object","required":["iban"],"properties":{"iban":{"type":"string","minLength":15}},"additionalProperties":false}]}},"additionalProperties":false,
"definitions":{"customer":{"type":"object","required":["name","email"],"properties":{"name":{"type":"string","minLength":1,"maxLength":100},
"email":{"type":"string","pattern":"^[^@ ]+@[^@ ]+$"},"address":{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"},
"zip":{"type":"string","pattern":"^[0-9]{4,6}$"},"country":{"type":"string","minLength":2,"maxLength":2}},"required":["city","country"]}}},
"item":{"type":"object","required":["sku","quantity","price"],"properties":{"sku":{"type":"string","minLength":3},"quantity":{"type":"integer","minimum":1,"maximum":999},
"price":{"type":"number","minimum":0,"maximum":100000},"tags":{"type":"array","items":{"type":"string"},"uniqueItems":true}}}}})";

std::string order(int items, const char* last_quantity) {
  std::string out = R"({"id":"ord_1a2b3c4d","status":"paid","customer":{"name":"Zoë Example","email":"zoe@example.com","address":{"street":"Main 1","city":"Basel",
"zip":"4051","country":"CH"}},"total":99.95,"notes":null,"payment":{"iban":"CH9300762011623852957"},"items":[)";
  for (int i = 0; i < items; ++i)
    out += std::string{i > 0 ? "," : ""} + R"({"sku":"sku-)" + std::to_string(1000 + i) + R"(","quantity":)" + (i + 1 == items ? last_quantity : "2") +
           R"(,"price":12.5,"tags":["a","b","c"]})";
  return out + "]}";
}

double rate(double seconds, const std::function<bool()>& once, bool wanted) {
  using clock = std::chrono::steady_clock;
  auto start = clock::now();
  std::size_t n = 0;
  double spent = 0;
  do {
    for (int i = 0; i < 50; ++i, ++n) {
      if (once() != wanted) {
        std::fprintf(stderr, "a wrong answer\n");
        std::exit(1);
      }
    }
    spent = std::chrono::duration<double>(clock::now() - start).count();
  } while (spent < seconds);
  return static_cast<double>(n) / spent;
}

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

} // namespace

int main(int argc, char** argv) {
  double seconds = 1;
  int rounds = 5;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string{argv[i]} == "--seconds")
      seconds = std::atof(argv[i + 1]);
    else if (std::string{argv[i]} == "--rounds")
      rounds = std::max(1, std::atoi(argv[i + 1]));
  }
  auto document = parse_json(order_schema);
  auto ours = compile_schema(*document, {schema_dialect::draft7});
  if (!ours)
    return 1;
  auto their_document = nlohmann::json::parse(order_schema);
  valijson::Schema theirs;
  valijson::SchemaParser parser{valijson::SchemaParser::kDraft7};
  valijson::adapters::NlohmannJsonAdapter adapter{their_document};
  parser.populateSchema(adapter, theirs);
  struct subject {
    const char* name;
    std::string text;
    bool fits;
  };
  std::printf("%-34s %14s %14s %8s\n", "validations per second, draft 7", "ours", "Valijson", "ratio");
  for (const auto& s : {subject{"order of 2 items, fits", order(2, "1"), true}, subject{"order of 200 items, fits", order(200, "1"), true},
                        subject{"order of 200 items, the last wrong", order(200, "0"), false}}) {
    auto value = *parse_json(s.text);
    auto their_value = nlohmann::json::parse(s.text);
    std::vector<double> our_rates;
    std::vector<double> their_rates;
    for (int r = 0; r < rounds; ++r) {
      our_rates.push_back(rate(seconds, [&] { return ours->accepts(value); }, s.fits));
      their_rates.push_back(rate(seconds, [&] {
        valijson::Validator validator;
        valijson::adapters::NlohmannJsonAdapter target{their_value};
        return validator.validate(theirs, target, nullptr);
      }, s.fits));
    }
    std::printf("%-34s %14.0f %14.0f %8.1f\n", s.name, median(our_rates), median(their_rates), median(our_rates) / median(their_rates));
  }
  return 0;
}
