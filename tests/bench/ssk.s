*  SET STORAGE KEY, of a block that holds no instruction.
SSK      START 0
         COPY  FRAME
         LA    2,X'10'
         LA    3,X'800'
LOOP     SSK   2,3
         BCT   1,LOOP
         LPSW  DONE
SVCENT   LPSW  WRONG
PGMENT   LPSW  WRONG
         END
