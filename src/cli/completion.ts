// Scripts that complete the command line in a shell. They hold all there is to say: no Tab starts Node.
import {
  type CommandDescription,
  type CommandLine,
  type FlagDescription,
  parseFlags,
  spellings,
} from './command-line.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** The script for a shell to read at its start. Names and choices must be plain words. */
export function completionScript(shell: (typeof SHELLS)[number], commandLine: CommandLine): string {
  return SCRIPTS[shell](commandLine);
}

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } satisfies Record<
  (typeof SHELLS)[number],
  (commandLine: CommandLine) => string
>;

function bashScript({ name, flags, commands }: CommandLine): string {
  const functionName = functionNameOf(name);
  const cases = commands.map((command) => {
    const replies = new Map<string, string[]>();
    for (const flag of command.flags) {
      const { names, value } = parseFlags(flag.flags);
      if (value === undefined) continue;
      const words = flag.choices === undefined ? 'return' : `words='${flag.choices.join(' ')}'`;
      const reply = isPath(flag) ? 'compopt -o default 2>/dev/null; return' : words;
      replies.set(reply, [...(replies.get(reply) ?? []), ...names]);
    }
    const values = [...replies].map(([reply, names]) => `        ${names.join(' | ')}) ${reply} ;;`);
    const own = `        *) words='${[...argumentsOf(command), ...spellings(command.flags)].join(' ')}' ;;`;
    return `    ${command.name})\n      case $before in\n${[...values, own].join('\n')}\n      esac ;;`;
  });
  const first = [...commands.map((command) => command.name), ...spellings(flags)];
  return `# bash completion of ${name}
${functionName}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=''
  COMPREPLY=()
  # Of --flag=value, bash makes three words.
  if [[ $current == = ]]; then
    current=''
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    words='${first.join(' ')}'
  else
    case \${COMP_WORDS[1]} in
${cases.join('\n').replaceAll(/^/gm, '  ')}
    esac
  fi
  # Plain words; the bash of macOS has no mapfile.
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F ${functionName} ${name}
`;
}

function zshScript({ name, flags, commands }: CommandLine): string {
  const functionName = functionNameOf(name);
  const describe = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&');
  const specs = (described: readonly FlagDescription[], indent: string): string =>
    described
      .flatMap((flag) => {
        const { names, value } = parseFlags(flag.flags);
        const action = flag.choices !== undefined ? `(${flag.choices.join(' ')})` : isPath(flag) ? '_files' : ' ';
        const argument = value === undefined ? '' : `:${value}:${action}`;
        const others = names.length > 1 ? `(${names.join(' ')})` : '';
        return names.map((spelling) => {
          const equals = value !== undefined && spelling.startsWith('--') ? '=' : '';
          return quote(`${others}${spelling}${equals}[${describe(flag.help)}]${argument}`);
        });
      })
      .map((spec) => ` \\\n${indent}${spec}`)
      .join('');
  const cases = commands.map(
    (command) => `        ${command.name}) _arguments${argumentSpec(command)}${specs(command.flags, '          ')} ;;`,
  );
  const described = commands.map((command) => `        ${quote(`${command.name}:${describe(command.help)}`)}`);
  return `#compdef ${name}
${functionName}() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C${specs(flags, '    ')} \\
    '1:command:->command' \\
    '*::argument:->argument' && return
  case $state in
    command)
      local -a commands=(
${described.join('\n')}
      )
      _describe command commands ;;
    argument)
      case $words[1] in
${cases.join('\n')}
      esac ;;
  esac
}
# Read as a file of fpath it is the function; sourced, it only defines it.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  ${functionName} "$@"
else
  compdef ${functionName} ${name}
fi
`;
}

function fishScript({ name, flags, commands }: CommandLine): string {
  const word = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const line = (condition: string, flag: FlagDescription): string => {
    const { names, value } = parseFlags(flag.flags);
    const spellings = names.map((spelling) => spelling.replace(/^--/, '-l ').replace(/^-(?!l )/, '-s '));
    const values =
      value === undefined
        ? []
        : flag.choices !== undefined
          ? [`-x -a ${word(flag.choices.join(' '))}`]
          : [isPath(flag) ? '-r -F' : '-x'];
    return ['complete -c', name, '-n', word(condition), ...spellings, ...values, '-d', word(flag.help)].join(' ');
  };
  return [
    `# fish completion of ${name}`,
    `complete -c ${name} -f`,
    ...commands.map(
      (command) => `complete -c ${name} -n __fish_use_subcommand -a ${command.name} -d ${word(command.help)}`,
    ),
    ...flags.map((flag) => line('__fish_use_subcommand', flag)),
    ...commands.flatMap((command) =>
      argumentsOf(command).map(
        (choice) => `complete -c ${name} -n ${word(`__fish_seen_subcommand_from ${command.name}`)} -a ${choice}`,
      ),
    ),
    ...commands.flatMap((command) =>
      command.flags.map((flag) => line(`__fish_seen_subcommand_from ${command.name}`, flag)),
    ),
    '',
  ].join('\n');
}

function argumentsOf({ argument }: CommandDescription): readonly string[] {
  return argument?.choices ?? [];
}

/** For zsh. */
function argumentSpec({ argument }: CommandDescription): string {
  return argument === undefined ? '' : ` ${quote(`1:${argument.name}:(${argument.choices.join(' ')})`)}`;
}

function isPath({ flags }: FlagDescription): boolean {
  return parseFlags(flags).value === 'path';
}

function functionNameOf(name: string): string {
  return `_${name.replace(/\W/g, '_')}`;
}

/** For zsh. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
