*  SUPERVISOR CALL, and the way back.
SVC      START 0
         COPY  FRAME
LOOP     SVC   7
         BCT   1,LOOP
         LPSW  DONE
SVCENT   LPSW  X'20'                    the supervisor-call old PSW
PGMENT   LPSW  WRONG
         END
