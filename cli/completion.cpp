#include "cli/completion.hpp"

#include <CLI/CLI.hpp>

namespace hourglass::cli {

std::string bash_completion(const CLI::App& app) {
  std::string commands, cases;
  for (auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands += (commands.empty() ? "" : " ") + command->get_name();
    cases += "    " + command->get_name() + ") words=\"";
    std::string words;
    for (auto* option : command->get_options([](const CLI::Option*) { return true; }))
      for (auto& name : option->get_lnames())
        words += (words.empty() ? "--" : " --") + name;
    cases += words + "\" ;;\n";
  }
  return "_hourglass() {\n"
         "  local words current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  case \"${COMP_WORDS[1]}\" in\n" +
         cases + "    *) words=\"" + commands +
         "\" ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _hourglass hourglass\n";
}

} // namespace hourglass::cli
