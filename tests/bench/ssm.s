*  SET SYSTEM MASK with a mask of zeros.
SSM      START 0
         COPY  FRAME
LOOP     SSM   MASK
         BCT   1,LOOP
         LPSW  DONE
SVCENT   LPSW  WRONG
PGMENT   LPSW  WRONG
MASK     DC    X'00'
         END
