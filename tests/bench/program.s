*  A program interruption, and the way back.
PROGRAM  START 0
         COPY  FRAME
LOOP     DC    X'0000'                  no instruction has this code
         BCT   1,LOOP
         LPSW  DONE
SVCENT   LPSW  WRONG
PGMENT   LPSW  X'28'                    the program old PSW
         END
