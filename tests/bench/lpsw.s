*  LOAD PSW, which goes on two instructions further.
LPSW     START 0
         COPY  FRAME
LOOP     LPSW  NEXT
         LPSW  WRONG
HERE     NOPR  0
         BCT   1,LOOP
         LPSW  DONE
SVCENT   LPSW  WRONG
PGMENT   LPSW  WRONG
         DS    0D
NEXT     DC    X'00000000',A(HERE)
         END
