"""The commands of README.md and of the guides, followed as a reader follows them.

``blocks`` reads fenced blocks and what is marked about them, ``commands`` what is typed and what is shown below it.
``scenes`` says for each page what its reader has before, ``desk`` is where it is typed, and ``follow`` types it.

A mark is a comment on the line before a fence, which no reader sees:

| mark | says |
| --- | --- |
| ``<!-- not run here: REASON -->`` | no test runs these commands, and why |
| ``<!-- run by: tests/... -->`` | another test does |
| ``<!-- ends with: 3 -->`` | the exit status, where it is not 0 |
| ``<!-- not compared: REASON -->`` | what is printed is not what is shown, and why |
| ``<!-- saved as: chat.yaml -->`` | the file of later commands that this block is |
"""
