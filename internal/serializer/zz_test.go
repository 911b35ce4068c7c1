package serializer_test
import ("testing";"github.com/tandemrouter/tandem/wamp")
func BenchmarkZHead(b *testing.B){
 for _, s := range serializers {
  b.Run(s.String(), func(b *testing.B){ benchmarkRoute(b, s, frame(b, s, &wamp.Call{Request: 70007, Procedure: "com.example.thermometer.read"}))})
  b.Run(s.String()+"/parse", func(b *testing.B){ benchmarkParse(b, s, frame(b, s, &wamp.Call{Request: 70007, Procedure: "com.example.thermometer.read"}))})
 }
}
