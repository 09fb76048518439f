package intuitor.model;

import intuitor.UserError;
import intuitor.checkpoint.ModelFolder;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.ParameterSpec.Part;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The weights of a Hugging Face folder, converted to the type of the tensor that receives them. */
final class HuggingFaceSource implements ParameterSource {

    private final Device device;
    private final ModelFolder folder;

    /** @throws UserError if the folder lacks a tensor that the model needs, or has one that it does not */
    HuggingFaceSource(Device device, ModelConfig config, ModelFolder folder) {
        this.device = device;
        this.folder = folder;
        List<String> names = ParameterLayout.of(config).stream().flatMap(s -> s.parts().stream()).map(Part::name)
                .toList();
        folder.requireTensors(names);
        Set<String> unexpected = new TreeSet<>(folder.tensors().keySet());
        names.forEach(unexpected::remove);
        unexpected.removeIf(name -> harmless(name, config));
        if (!unexpected.isEmpty()) {
            throw new UserError(folder.path() + " has " + unexpected.size() + " tensors for which a "
                    + config.architecture().className() + " of " + config.layers() + " layers has no use, such as "
                    + unexpected.iterator().next() + ": config.json does not describe these weights");
        }
    }

    /** A copy of the tied embedding, and a table of frequencies that old versions of transformers stored. */
    private static boolean harmless(String name, ModelConfig config) {
        return config.tiedHead() && name.equals(ParameterLayout.LM_HEAD) || name.endsWith(".rotary_emb.inv_freq");
    }

    /** @throws UserError if a tensor is of another shape, or holds a NaN or an infinity */
    @Override
    public void fill(ParameterSpec spec, Tensor parameter) {
        long row = 0;
        for (Part part : spec.parts()) {
            folder.load(part.name(), parameter.rows(row, part.rows()), device);
            row += part.rows();
        }
    }
}
