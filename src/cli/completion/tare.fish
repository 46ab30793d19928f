# Completion of tare for fish. For this shell alone: tare completion fish | source
# The program answers with a line for each candidate; what begins with a colon is for this script.
function __tare_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    for answer in ($words[1] __complete fish $words[2..] "$typed" 2>/dev/null)
        switch $answer
            case ':files' ':directories'
                set -l flag (string match -r '^--[^=]*=' -- $typed)
                for file in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- $typed))
                    echo $flag$file
                end
            case ':*'
            case '*'
                echo $answer
        end
    end
end
complete -c tare -e
complete -c tare -f -a '(__tare_complete)'
