# Completion of syncwatch for fish: syncwatch completion fish | source
# It asks `syncwatch __complete` and does nothing else; where that says nothing, nothing is offered.
function __syncwatch_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l answer (command syncwatch __complete fish $words "$current" 2>/dev/null </dev/null)
    or return
    set -l head (string split \t -- $answer[1])
    set -e answer[1]
    test (count $answer) -gt 0; and string sub -s 2 -- $answer
    set -l value (string sub -s (math 1 + (string length -- "$head[2]")) -- "$current")
    switch $head[1]
        case files
            for path in (__fish_complete_path "$value")
                echo -- "$head[2]$path"
            end
        case directories
            for path in (__fish_complete_directories "$value" '')
                echo -- "$head[2]$path"
            end
    end
end
complete -c syncwatch -e
complete -c syncwatch -f -a '(__syncwatch_complete)'
