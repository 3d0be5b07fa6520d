*  STORE CPU ID.
STIDP    START 0
         COPY  FRAME
LOOP     STIDP WHO
         BCT   1,LOOP
         LPSW  DONE
SVCENT   LPSW  WRONG
PGMENT   LPSW  WRONG
         DS    0D
WHO      DS    D
         END
