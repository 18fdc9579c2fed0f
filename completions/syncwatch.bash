# Completion of syncwatch for bash: eval "$(syncwatch completion bash)"
# It asks `syncwatch __complete` and does nothing else; where that says nothing, nothing is offered.
_syncwatch() {
  local rest=${COMP_LINE:0:COMP_POINT} word gap i n=0 words line answer files cur cut open= first=1
  # Words that bash has broken at = and : are put together again where there is no blank between them.
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    gap=${rest%%[![:space:]]*}
    rest=${rest#"$gap"}
    word=${COMP_WORDS[i]}
    ((i == COMP_CWORD)) && word=$rest
    rest=${rest#"$word"}
    if [[ -n $gap || $i -eq 0 ]]; then
      words[n]=$word
      n=$((n + 1))
    else
      words[n-1]=${words[n-1]}$word
    fi
  done
  cur=${words[n-1]}
  COMPREPLY=()
  answer=$(command syncwatch __complete bash "${words[@]:1}" 2>/dev/null </dev/null) || return 0
  # What stands before the last break is not to be offered again.
  case $cur in *[\'\"]*) cut= ;; *) cut=${cur%"${cur##*[:=]}"} ;; esac
  while IFS= read -r line; do
    if [[ -n $first ]]; then
      first=
      files=${line%%$'\t'*}
      continue
    fi
    [[ ${line:0:1} == + ]] && open=1
    word=${line:1}
    word=${word%%$'\t'*}
    case $cur in *[\'\"]*) ;; *) printf -v word %q "$word" ;; esac
    COMPREPLY[${#COMPREPLY[@]}]=${word#"$cut"}
  done < <(printf '%s\n' "$answer")
  [[ -n $open ]] && compopt -o nospace 2>/dev/null
  # An old bash (macOS) has no compopt.
  local IFS=$'\n'
  case $files in
    files) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "${cur#"$cut"}")) ;;
    directories) compopt -o plusdirs 2>/dev/null || COMPREPLY+=($(compgen -d -- "${cur#"$cut"}")) ;;
  esac
  return 0
}
complete -F _syncwatch syncwatch
