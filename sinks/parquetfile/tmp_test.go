package parquetfile_test
import ("testing";"os";"backstory/sinks/parquetfile")
func TestTmp(t *testing.T){
 f,_:=parquetfile.NewFormat(parquetfile.Options{})
 tab:=shopTable()
 o,_:=os.Create("/tmp/pq/x.parquet")
 w,err:=f.NewWriter(o,tab,[]parquetfile.Pair{{"backstory.job","shop"}})
 if err!=nil {t.Fatal(err)}
 for i:=0;i<20;i++ { r:=shopRecord(tab,1+i*16384,16384); if err:=w.Write(r);err!=nil{t.Fatal(err)} }
 if err:=w.Close();err!=nil{t.Fatal(err)}
 o.Close()
}
