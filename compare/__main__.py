from compare.commands import main

main()
