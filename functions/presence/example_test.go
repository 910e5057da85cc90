package presence

import "fmt"

func ExampleNew() {
	f := New()
	fmt.Println(f.Name+":", f.Doc)
	fmt.Println("writes", f.Access.Writes[0].Name)
	// Output:
	// presence: keeps which catalogs are being served, by the heartbeats of their owners
	// writes presence
}
