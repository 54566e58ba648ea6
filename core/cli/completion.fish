# fish completion of fairvox, made by: fairvox completion fish
function __fairvox_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for answer in ($words[1] completion words $words[2..] "$word" 2>/dev/null)
        switch $answer
            case ':folders'
                __fish_complete_directories "$word"
            case ':files'
                __fish_complete_path "$word"
            case ':files *'
                for ending in (string split ' ' (string replace ':files ' '' -- $answer))
                    __fish_complete_suffix ".$ending"
                end
            case '*'
                echo $answer
        end
    end
end
complete -c fairvox -f -a '(__fairvox_complete)'
