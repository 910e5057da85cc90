package nexfiles

import (
	"natster/deploy/nex"
	"natster/deploy/world"
	"natster/workloads/nexlet/spec"
)

const head = "# Made from the declarations in functions/ (go test ./deploy/nexfiles -update). For the stock CLI:\n" +
	"# nex --config nex.json --namespace natster workload start -f FILE\n"

// Files are the Nexfiles by name: each function's, and that of the hub's catalog.
func Files() (map[string][]byte, error) {
	wants := append(nex.Wants(world.Functions(world.Settings{})), nex.Want{
		Name:        "catalog",
		Description: "serves the hub's catalog, which is shared with every account",
		Start: spec.Start{Catalog: &spec.Catalog{
			Name: world.DefaultHubCatalog, Dir: world.DefaultHubCatalog, As: "hub",
		}},
	})
	files := make(map[string][]byte, len(wants))
	for _, w := range wants {
		text, err := w.Nexfile()
		if err != nil {
			return nil, err
		}
		files[w.Name+".yaml"] = append([]byte(head), text...)
	}
	return files, nil
}
