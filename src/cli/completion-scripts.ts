/* The shells' own languages, written from the table of commands. Nothing is asked of a server while somebody types. */

export const shells = ["bash", "zsh", "fish"] as const;
export type CompletedShell = (typeof shells)[number];

export interface CompletedCommand {
  readonly name: string;
  readonly help: string;
  readonly flags: readonly string[];
  readonly values: readonly string[];
  readonly takesFiles: boolean;
}

export function scriptFor(shell: CompletedShell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case "bash":
      return bashScript(commands);
    case "zsh":
      return zshScript(commands);
    case "fish":
      return fishScript(commands);
  }
}

function bashScript(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ name, flags, values }) => {
    return `    ${name}) flags="${flags.join(" ")}" values="${values.join(" ")}" ;;`;
  });
  const names = commands.map(({ name }) => name).join(" ");
  return `# eval "$(troupe completion bash)"
_troupe() {
  local flags="" values="" current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} help" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
    help) values="${names}" ;;
${cases.join("\n")}
  esac
  # Where nothing is offered, bash offers files.
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$values" -- "$current")) ;;
  esac
}
complete -o default -F _troupe troupe
`;
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name, help }) => `    '${name}:${zshText(help)}'`);
  const cases = commands.map(({ name, flags, values, takesFiles }) => {
    const files = takesFiles ? "; _files" : "";
    return `    ${name}) compadd -- ${[...values, ...flags].join(" ")}${files} ;;`;
  });
  return `#compdef troupe
# eval "$(troupe completion zsh)"
_troupe() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "\${words[2]}" in
${cases.join("\n")}
  esac
}
compdef _troupe troupe
`;
}

/** Colons part a name from its help. */
function zshText(help: string): string {
  return help.replaceAll("'", "'\\''").replaceAll(":", "\\:");
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, help, flags, values, takesFiles }) => {
    const inside = `-n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c troupe -n __fish_use_subcommand -f -a ${name} -d '${fishText(help)}'`,
      ...flags.map((flag) => `complete -c troupe ${inside} -l ${flag.replace(/^--/, "")}`),
      ...(values.length === 0 ? [] : [`complete -c troupe ${inside} -f -a '${values.join(" ")}'`]),
      ...(takesFiles ? [`complete -c troupe ${inside} -F`] : []),
    ];
  });
  return ["# troupe completion fish | source", ...lines, ""].join("\n");
}

function fishText(help: string): string {
  return help.replaceAll("'", "\\'");
}
